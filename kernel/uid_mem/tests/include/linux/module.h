/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* Nothing: what uid_mem_test.c needs of it comes with kunit/test.h. */
