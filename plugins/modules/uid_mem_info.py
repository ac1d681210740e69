#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: uid_mem_info
short_description: Read memory limits, usage and features of a host
version_added: 0.1.0
description:
  - Returns what C(/proc/uid_mem) tells, with one remote read.
  - Without root, the kernel shows the usage of the user's own UID only.
author:
  - The uid_mem authors (@devfleet)
extends_documentation_fragment:
  - devfleet.uid_mem.attributes
  - devfleet.uid_mem.attributes.action
attributes:
  async:
    support: none
    details:
      - A task with C(async) fails.
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    platforms: Linux
    support: full
options: {}
seealso:
  - module: devfleet.uid_mem.uid_mem_limit
"""

EXAMPLES = r"""
- name: Limits and usage are known
  devfleet.uid_mem.uid_mem_info:
  become: true
  register: uid_mem

- name: The kernel counts exactly
  ansible.builtin.assert:
    that: uid_mem.features.engine == 'hooks'
"""

RETURN = r"""
features:
  description: What the kernel's module can do, with the names it gives.
  returned: success
  type: dict
  sample:
    abi: "1"
    engine: hooks
    policies: highest_rss,longest_run_time,worst,youngest
    metrics: rss,anon
limits:
  description:
    - All limits, in the order of the kernel. The names and forms are those of the options of
      M(devfleet.uid_mem.uid_mem_limit).
  returned: success
  type: list
  elements: dict
  sample:
    - uid: "10070"
      max: 104857600
      high: max
      policy: default
      metric: rss
      grace: "0"
      mode: enforce
stats:
  description: A line for each UID that has a limit and at least one process or event. Sizes are in bytes.
  returned: success
  type: list
  elements: dict
  sample:
    - uid: 10070
      usage: 73400320
      peak: 99614720
      procs: 4
      max: 104857600
      kills: 1
kernel:
  description: The release of the running kernel.
  returned: success
  type: str
  sample: 6.1.158-uidmem-0a1b2c3d
"""
