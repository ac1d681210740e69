# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What can be done here. Each target prepares what it needs (tools/bootstrap)
# and keeps what it made in ${XDG_CACHE_HOME:-~/.cache}/uid_mem.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The kernel series to build, a directory of patches/.
SERIES ?= 6.1
# For test-kernel: the machine, and a debug kernel (kasan, kcsan, or 1 for one after the other).
ARCH ?= $(shell uname -m)
DEBUG ?=
# The virtual device that `make device` starts.
DEVICE ?= uidmem-device
# The molecule scenario: default, rollout, stock, openrc, sysvinit or android.
SCENARIO ?= default
# For selftests: an image of SERIES without CONFIG_UID_MEM; built if it is not given.
BASELINE ?=
# For demo, test-kernel and bench: hooks, a kernel with our patch, or scan, the stock kernel.
ENGINE ?= hooks

# V=1: demo, device and kernel show each task, as ansible-playbook does.
V ?=
ifneq ($(V),1)
progress := ANSIBLE_STDOUT_CALLBACK=progress ANSIBLE_CALLBACK_PLUGINS=$(CURDIR)/tools/callback_plugins
endif

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
	    while IFS='|' read -r target text; do printf '%-20s %s\n' "$$target" "$$text"; done
	@printf '\n%s\n' 'Variables: SERIES=$(SERIES) (kernel, test-kernel, selftests), BASELINE= (selftests), ARCH=$(ARCH), DEBUG= (test-kernel), DEVICE=$(DEVICE) (device, device-stop), SCENARIO=$(SCENARIO) (molecule), ENGINE=$(ENGINE) (demo, test-kernel, bench), V=1 (demo, device, kernel: show each task)'

.PHONY: demo
demo: ## build a kernel, boot a virtual device on it, see the right process killed; ENGINE=scan: on its stock kernel
	@$(progress) tools/run ansible-playbook devfleet.uid_mem.demo -e kernel_build_series=$(SERIES) -e demo_engine=$(ENGINE)

.PHONY: test
test: ## run every check; ends with the number of passed and failed steps, and of skipped tests
	@tools/test

.PHONY: test-all
test-all: ## run what make test has no time for: every case on every kernel, arm64, debug kernels
	@tools/test long

.PHONY: test-kernel
test-kernel: ## boot the kernel of SERIES for ARCH and run its cases; DEBUG=kasan|kcsan|1: a debug kernel; ENGINE=scan: a stock kernel
	@status=0; \
	for debug in $(if $(DEBUG),$(if $(filter 1,$(DEBUG)),kasan kcsan,$(DEBUG)),none); do \
	    tests/kernel/run --series $(SERIES) --arch $(ARCH) --engine $(ENGINE) $$([ $$debug = none ] || echo --debug $$debug) || status=1; \
	done; exit $$status

.PHONY: selftests
selftests: ## run the kernel's own selftests on SERIES without the patch, with it, and under a limit, and compare
	@tests/selftests/run --series $(SERIES) $(if $(BASELINE),--baseline-kernel $(BASELINE))

.PHONY: kernel
kernel: ## build the kernel of SERIES; the last line is the artifacts directory
	@$(progress) tools/kernel $(SERIES)

.PHONY: bench
bench: ## measure what the kernel of SERIES costs, in instructions, and print a table
	@tests/bench/run --series $(SERIES) --engine $(ENGINE)

.PHONY: bench-tasks
bench-tasks: ## measure what uid_mem_limit costs the controller: 1,000 and 10,000 limits, 50 to 500 hosts
	@tools/run --test tests/bench/controller

.PHONY: bench-fleet
bench-fleet: ## measure what a rollout costs the controller: 50 to 500 devices; 1,000 devices and ssh by tests/bench/fleet --help
	@tools/run --test tests/bench/fleet

.PHONY: patches
patches: ## make patches/<series> anew from patches/source
	@tools/run --test tools/patches generate

.PHONY: device
device: ## start the virtual device DEVICE on its stock kernel and say how to log in
	@$(progress) tools/run ansible-playbook devfleet.uid_mem.device -e virtual_device_name=$(DEVICE)

.PHONY: device-stop
device-stop: ## stop DEVICE; its disk is kept
	@$(progress) tools/run ansible-playbook devfleet.uid_mem.device -e virtual_device_name=$(DEVICE) -e virtual_device_state=stopped

.PHONY: lint
lint: ## run the fast checks only: ruff, mypy, yamllint, ansible-lint, shellcheck, reuse
	@tools/test lint

.PHONY: unit
unit: ## run the unit tests of the plugins and of the C programs
	@tools/test unit

.PHONY: sanity
sanity: ## run ansible-test sanity
	@tools/test sanity

.PHONY: molecule
molecule: ## run a molecule scenario on virtual devices; SCENARIO=stock: Debian's own kernels; SCENARIO=openrc, SCENARIO=sysvinit: no systemd; SCENARIO=android: adbd, no Python; SCENARIO=rollout: five devices, each rollout goes wrong
	@tools/test $(SCENARIO:default=molecule)

.PHONY: docs
docs: ## build the documentation site; the last line is the page to open
	@tools/docs

.PHONY: build
build: ## build the collection's tarball into this directory
	@cp "$$(tools/run tools/collection tarball)" .
	@ls devfleet-uid_mem-*.tar.gz

.PHONY: clean
clean: ## remove what was built here; the cache stays
	@rm -rf devfleet-uid_mem-*.tar.gz .mypy_cache .ruff_cache .pytest_cache .ansible tests/output
	@$(MAKE) -C userspace clean
