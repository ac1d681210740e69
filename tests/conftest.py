# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Make this checkout importable as the collection, wherever it lies.

``ansible-test units`` brings its own loader; a plain ``pytest`` does not, and the checkout need not be below a
directory named ansible_collections.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

COLLECTION = "ansible_collections.devfleet.uid_mem"
ROOT = Path(__file__).resolve().parents[1]


def _is_importable() -> bool:
    try:
        return importlib.util.find_spec(f"{COLLECTION}.plugins.plugin_utils._limits") is not None
    except ModuleNotFoundError:
        return False


if not _is_importable():
    parts = COLLECTION.split(".")
    for depth in range(1, len(parts) + 1):
        package = types.ModuleType(".".join(parts[:depth]))
        package.__path__ = [str(ROOT)] if depth == len(parts) else []
        sys.modules[package.__name__] = package
