# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: kernel_gaps
short_description: What is in use on a device and missing in a kernel
version_added: 0.2.0
positional: artifacts
author:
  - The uid_mem authors (@devfleet)
description:
  - Compares what a device uses now with what the artifacts of a build have, and says what the device would lose.
  - In use are drivers that are bound to a device, built in or not; file systems that are mounted; security modules that
    are active; modules of the packet filter; modules that a program has loaded or that have a use count of their own;
    and modules that DKMS has built for the running kernel.
  - Not in use are modules that were loaded for hardware they are not bound to, or for a feature of the processor, and
    file systems that systemd mounts wherever there are any (debugfs, for example). O(idle) lists them.
  - Modules that only other modules use are not listed, since those that use them are.
options:
  _input:
    description:
      - The survey of the device, C(kernel_install_survey) of the role P(devfleet.uid_mem.kernel_install#role).
      - Its space-separated strings C(modules), C(drivers), C(filesystems), C(lsm) and C(dkms) are read, and, where
        the device says them, C(module_uses), C(netfilter) and C(dkms_modules).
    type: dict
    required: true
  artifacts:
    description: Directory of the artifacts of P(devfleet.uid_mem.kernel_build#role).
    type: path
    required: true
  allow_missing:
    description:
      - Names of drivers, modules, file systems, security modules or of DKMS that may be missing.
      - V(all) allows everything.
    type: list
    elements: str
    default: []
  with_headers:
    description: Whether the kernel's headers are installed with it, so that DKMS builds its modules for it.
    type: bool
    default: false
  idle:
    description: List what is loaded or mounted and not in use, in place of what is.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Fail unless the new kernel has what the device uses
  ansible.builtin.assert:
    that: gaps | length == 0
    fail_msg: "{{ gaps | join('\n') }}"
  vars:
    gaps: >-
      {{ kernel_install_survey | devfleet.uid_mem.kernel_gaps(kernel_build_artifacts, allow_missing=['tomoyo']) }}

- name: Show what is loaded on the device and missing in the new kernel
  ansible.builtin.debug:
    msg: "{{ kernel_install_survey | devfleet.uid_mem.kernel_gaps(kernel_build_artifacts, idle=true) }}"
"""

RETURN = r"""
_value:
  description:
    - One sentence for each gap, which begins with its name, says what it is in use for and, where that is known, which
      option of the kernel's configuration brings it. Empty if there is none.
  type: list
  elements: str
  sample: ["apparmor: security module that is active (CONFIG_SECURITY_APPARMOR brings it)"]
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._kernel_gaps import (
    ArtifactsError,
    Kernel,
    find_gaps,
    missing,
    parse_kernel,
    parse_survey,
)


@lru_cache(maxsize=8)
def _read_kernel(directory: Path, _changed: int) -> Kernel:
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    if "modules" not in manifest:
        raise ArtifactsError(
            "its manifest names no list of modules, since an older version of the role kernel_build made it:"
            " run that role again, which keeps the kernel"
        )
    modules = (directory / manifest["modules"]).read_text(encoding="utf-8")
    config = (directory / "config").read_text(encoding="utf-8")
    return parse_kernel(manifest["lsm"], modules, config)


def kernel_gaps(
    survey: object,
    artifacts: str,
    *,
    allow_missing: object = (),
    with_headers: bool = False,
    idle: bool = False,
) -> list[str]:
    """What is in use on the device and missing in the kernel of the artifacts."""
    if not isinstance(survey, Mapping):
        raise AnsibleFilterError(f"kernel_gaps takes the survey of a device, a dictionary, and not {survey!r}")
    if isinstance(allow_missing, str) or not isinstance(allow_missing, (list, tuple)):
        raise AnsibleFilterError(f"kernel_gaps: allow_missing is a list of names, not {allow_missing!r}")
    if "all" in allow_missing:
        return []
    directory = Path(artifacts).expanduser()
    try:
        kernel = _read_kernel(directory, (directory / "manifest.json").stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise AnsibleFilterError(f"kernel_gaps: the artifacts {directory} cannot be used: {error}") from error
    gaps = find_gaps(
        parse_survey({str(key): str(value) for key, value in survey.items()}), kernel, with_headers=bool(with_headers)
    )
    return missing(gaps, allowed=[str(name) for name in allow_missing], idle=bool(idle))


class FilterModule:
    """The filter C(kernel_gaps)."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Names of the filters and what they call."""
        return {"kernel_gaps": kernel_gaps}
