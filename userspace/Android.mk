# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# For those who have the NDK:
#
#   ndk-build NDK_PROJECT_PATH=. APP_BUILD_SCRIPT=Android.mk \
#       APP_ABI='arm64-v8a x86_64' APP_PLATFORM=android-24
#
# Everybody else builds with the Makefile, whose static programs run on Android
# as well.

LOCAL_PATH := $(call my-dir)

# The sources of a program are its own file, or a directory, and what several use.
uid_mem_files = $(sort $(patsubst $(LOCAL_PATH)/%,%,$(wildcard $(LOCAL_PATH)/$(1)/*.c))) lib/uid_mem_proc.c
uid_mem_sources_uid_memd := $(call uid_mem_files,daemon)
uid_mem_sources_uid_memtop := $(call uid_mem_files,top)

define uid_mem_program
include $$(CLEAR_VARS)
LOCAL_MODULE := $(1)
LOCAL_SRC_FILES := $(or $(uid_mem_sources_$(1)),$(1).c)
LOCAL_C_INCLUDES := $(LOCAL_PATH)/lib
LOCAL_CFLAGS := -std=gnu11 -O2 -Wall -Wextra
LOCAL_LDFLAGS := -static
include $$(BUILD_EXECUTABLE)
endef

uid_mem_programs := uid_mem_hog uid_memd uid_memtop test_set_mm_limits uid_oom_killer
$(foreach program,$(uid_mem_programs),$(eval $(call uid_mem_program,$(program))))
