# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: kernel_artifacts
short_description: Read the manifest of kernel artifacts, once they match it
version_added: 0.2.0
author:
  - The uid_mem authors (@devfleet)
description:
  - Compares the SHA-256 of every artifact in a directory of the controller with C(manifest.json), as the role
    C(kernel_build) leaves them, and returns the manifest.
options:
  _terms:
    description: Directories with artifacts.
    type: list
    elements: path
    required: true
  on_error:
    description:
      - What happens to artifacts that cannot be used.
      - With V(return), the place of their manifest is taken by a dictionary whose only key C(error) says why, and
        what to do.
    type: str
    choices: [fail, return]
    default: fail
"""

EXAMPLES = r"""
- name: Show the release of the kernel that was built
  ansible.builtin.debug:
    msg: "{{ lookup('devfleet.uid_mem.kernel_artifacts', kernel_build_artifacts).kernel_release }}"
"""

RETURN = r"""
_list:
  description:
    - The manifest of each directory.
    - With C(payload) (paths of the files that a device gets), C(payload_bytes) (their size), C(headers) and
      C(headers_bytes) (the same for what DKMS needs on a device that uses it), and C(boot_bytes) (what the kernel takes
      in C(/boot), without an initial RAM disk) added.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._artifacts import ArtifactsError, read_artifacts


class LookupModule(LookupBase):
    """Its documentation is above."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """One manifest for each directory."""
        self.set_options(var_options=variables, direct=kwargs)
        return [self._manifest(str(directory)) for directory in terms]

    def _manifest(self, directory: str) -> dict[str, Any]:
        try:
            return read_artifacts(directory)
        except ArtifactsError as exc:
            if self.get_option("on_error") == "return":
                return {"error": str(exc)}
            raise AnsibleLookupError(str(exc)) from exc
