#!/usr/bin/env python
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssh, for ansible_ssh_executable, on whose way one byte of each transfer of 1 MiB or more becomes another."""

import os
import subprocess
import sys

if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
    sys.exit(f"usage: ssh_flipping.py ARGUMENT...\n\n{__doc__}")
command = ["ssh", *sys.argv[1:]]
if os.isatty(0):
    os.execvp(command[0], command)
data = bytearray(sys.stdin.buffer.read())
if len(data) >= 1 << 20:
    data[len(data) // 2] ^= 0xFF
sys.exit(subprocess.run(command, input=data, check=False).returncode)
