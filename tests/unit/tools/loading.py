# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the project that are not modules of the collection, for tests to import."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).parents[3]


def load(path: str) -> ModuleType:
    """Import a Python file by its path in the project."""
    file = PROJECT / path
    spec = importlib.util.spec_from_file_location(f"uid_mem_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
