# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots a kernel under QEMU and runs the cases of tests/kernel/cases in it."""
