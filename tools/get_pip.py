# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Stands in for get-pip.py where ansible-test installs pip into an empty environment.

The original is fetched from a server of the Ansible project, which a machine that only
reaches a package index cannot. `tools/provide_pip` puts this file where ansible-test looks for a
copy of the original (get_pip_24_2.py), with the wheel of the same pip next to it.
"""

from __future__ import annotations

import glob
import os
import sys

DIRECTORY, NAME = os.path.split(os.path.abspath(__file__))
VERSION = NAME.removeprefix("get_pip_").removesuffix(".py").replace("_", ".")
WHEELS = glob.glob(os.path.join(DIRECTORY, f"pip-{VERSION}-*.whl"))
# Options of the original; nothing but pip is installed here anyway.
IGNORED = ("--no-setuptools", "--no-wheel")

if len(WHEELS) != 1:
    sys.exit(f"one wheel of pip {VERSION} is expected next to {__file__}, found {len(WHEELS)}")
sys.path.insert(0, WHEELS[0])

from pip._internal.cli.main import main  # noqa: E402

ARGUMENTS = [word for word in sys.argv[1:] if word not in IGNORED and not word.startswith("pip==")]
sys.exit(main(["install", "--upgrade", "--force-reinstall", *ARGUMENTS, WHEELS[0]]))
