# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the kernel's own selftests with and without uid_mem, and compares."""
