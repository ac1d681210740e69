# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Android's C(su), which takes a user and the words of a command, and asks for no password."""

from __future__ import annotations

DOCUMENTATION = r"""
name: android_su
short_description: Become another user with the su of Android
version_added: 0.2.0
author:
  - The uid_mem authors (@devfleet)
description:
  - The C(su) of Android's userdebug and eng builds runs C(su USER COMMAND ARGUMENT...), has no option C(-c), and asks
    for no password. P(ansible.builtin.su#become) gives it a C(-c), which it tries to execute.
  - Standard input reaches the command, so modules can be pipelined.
  - Production builds have no C(su). Where C(adb root) works, C(adbd) runs as root and nothing has to be become.
options:
  become_user:
    description:
      - The user, by name (V(root), V(u0_a70)) or UID.
    type: str
    default: root
    ini:
      - section: privilege_escalation
        key: become_user
      - section: android_su_become_plugin
        key: user
    env:
      - name: ANSIBLE_BECOME_USER
      - name: ANSIBLE_ANDROID_SU_USER
    vars:
      - name: ansible_become_user
      - name: ansible_android_su_user
    keyword:
      - name: become_user
  become_exe:
    description:
      - The program C(su) on the device, by name or path.
    type: str
    default: su
    ini:
      - section: privilege_escalation
        key: become_exe
      - section: android_su_become_plugin
        key: executable
    env:
      - name: ANSIBLE_BECOME_EXE
      - name: ANSIBLE_ANDROID_SU_EXE
    vars:
      - name: ansible_become_exe
      - name: ansible_android_su_exe
    keyword:
      - name: become_exe
  become_flags:
    description:
      - What else to hand to C(su), before the user.
    type: str
    default: ''
    ini:
      - section: privilege_escalation
        key: become_flags
      - section: android_su_become_plugin
        key: flags
    env:
      - name: ANSIBLE_BECOME_FLAGS
      - name: ANSIBLE_ANDROID_SU_FLAGS
    vars:
      - name: ansible_become_flags
      - name: ansible_android_su_flags
    keyword:
      - name: become_flags
  command_form:
    description:
      - How C(su) takes the command. V(words) is the form of Android's own, C(su root sh -c COMMAND). V(option) is
        C(su root -c COMMAND), the form of a C(su) that was added to a device (Magisk, KernelSU) and of desktop Linux.
    type: str
    choices:
      - words
      - option
    default: words
    ini:
      - section: android_su_become_plugin
        key: command_form
    env:
      - name: ANSIBLE_ANDROID_SU_COMMAND_FORM
    vars:
      - name: ansible_android_su_command_form
notes:
  - A C(su) that asks on the device's screen has to be allowed there first.
seealso:
  - plugin: devfleet.uid_mem.adb
    plugin_type: connection
"""

from shlex import quote
from typing import Any

from ansible.plugins.become import BecomeBase


class BecomeModule(BecomeBase):
    """The command line of Android's C(su)."""

    name = "devfleet.uid_mem.android_su"

    def build_become_command(self, cmd: str, shell: Any) -> str:
        """I(cmd) as a command of another user; an empty one stays empty."""
        super().build_become_command(cmd, shell)
        if not cmd:
            return cmd
        command = self._build_success_command(cmd, shell, noexe=True)
        interpreter = getattr(shell, "executable", None) or "sh"
        words = f"{interpreter} -c {command}"
        if self.get_option("command_form") == "option":
            words = f"-c {quote(words)}"
        parts = (self.get_option("become_exe"), self.get_option("become_flags"), self.get_option("become_user"), words)
        return " ".join(part for part in parts if part)
