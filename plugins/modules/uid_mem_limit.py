#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: uid_mem_limit
short_description: Limit the memory that all processes of a user id use together
version_added: 0.1.0
description:
  - Declares the memory limit of a UID, or of each UID in a range, in the running kernel and in the limits file that is
    restored at boot.
  - When the processes of that UID together use more than O(max), one of them, chosen by O(policy), is killed.
    Processes of other UIDs are not touched.
  - The task makes one remote read, and one remote write where something has to change. The new file is complete on the
    disk before the kernel is written, and takes the place of the old one afterwards; when a step fails, the ones
    before it are taken back.
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
    support: full
    details:
      - Shows C(/proc/uid_mem/limits) and the limits file, each in its own grammar.
  idempotent:
    support: full
    details:
      - A share of the RAM (O(max=25%)) is another size when the host's RAM has changed.
  platform:
    platforms: Linux
    support: full
options:
  uid:
    description:
      - The user id, a number from 1 to 4294967294, or a range of them (V(10000-19999)) in which each UID gets the
        limit for itself.
      - An exact UID beats a range, a narrower range a wider one. Two ranges must not overlap unless one lies within the
        other.
      - UID 0 (root) cannot be limited.
    type: raw
    required: true
  max:
    description:
      - The limit. A number of bytes (V(104857600)), a number with C(K), C(M), C(G) or C(T) for powers of 1024
        (V(100M), V(1.5G)), a share of the host's RAM (V(25%), rounded down to whole MiB), or V(max) for no limit, which
        makes an exception from a range.
      - At least 1 MiB.
      - Required with O(state=present).
    type: raw
  high:
    description:
      - Usage above this is an event, nothing more. The same forms as for O(max), and at most O(max).
      - V(max) means that there is no such warning.
    type: raw
    default: max
  policy:
    description:
      - How the process to kill is chosen, by the name of a policy the host's kernel knows, or V(default) for the one
        the module parameter C(policy) names.
      - V(highest_rss) kills the process with the most resident memory, V(longest_run_time) the one that has used the
        most CPU time, V(worst) the one with the highest badness (its share of RAM and its C(oom_score_adj)),
        V(youngest) the one that was started last.
    type: str
    default: default
  metric:
    description:
      - What counts as usage. V(rss) is all resident memory, V(anon) leaves out page cache and shared memory, and counts
        swap.
    type: str
    choices:
      - rss
      - anon
    default: rss
  grace:
    description:
      - How long usage may stay above O(max) before a process is killed, with its unit (V(500ms), V(2s), V(1m)). At most
        one hour.
    type: raw
    default: 0
  mode:
    description:
      - V(enforce) kills. V(audit) only reports who would have been killed.
    type: str
    choices:
      - enforce
      - audit
    default: enforce
  state:
    description:
      - V(present) declares the whole limit, options left out have their defaults.
      - V(absent) removes the limit with exactly this O(uid); a range around it, or limits within it, stay.
    type: str
    choices:
      - present
      - absent
    default: present
  persist:
    description:
      - Whether the limits file is kept in step with the kernel. With V(false) the file is neither read nor written.
    type: bool
    default: true
  path:
    description:
      - The absolute path of the limits file. Comments in it are kept. Its directory is created (mode 0755) where only
        that one is missing.
    type: str
    default: /etc/uid_mem/limits
seealso:
  - module: devfleet.uid_mem.uid_mem_info
"""

EXAMPLES = r"""
- name: The app with UID 10070 uses at most 100 MiB
  devfleet.uid_mem.uid_mem_limit:
    uid: 10070
    max: 100M
  become: true

- name: Every app uses at most a quarter of the RAM
  devfleet.uid_mem.uid_mem_limit:
    uid: 10000-19999
    max: 25%
  become: true

- name: One app may use what it wants
  devfleet.uid_mem.uid_mem_limit:
    uid: 10071
    max: max
  become: true

- name: A limit is tried out, with a warning below it and without a kill
  devfleet.uid_mem.uid_mem_limit:
    uid: 1000
    max: 1.5G
    high: 1G
    mode: audit
  become: true

- name: A limit holds until the next boot only
  devfleet.uid_mem.uid_mem_limit:
    uid: 1000
    max: 512M
    persist: false
  become: true

- name: The app with UID 10070 has no limit of its own any more
  devfleet.uid_mem.uid_mem_limit:
    uid: 10070
    state: absent
  become: true
"""

RETURN = r"""
before:
  description: The limits the task speaks of, as the kernel had them.
  returned: success
  type: list
  elements: dict
  contains: &limit
    uid:
      description: The UID or range.
      type: str
      sample: "10070"
    max:
      description: The limit in bytes, or V(max).
      type: raw
      sample: 104857600
    high:
      description: The warning level in bytes, or V(max).
      type: raw
      sample: max
    policy:
      description: The policy.
      type: str
      sample: default
    metric:
      description: The metric.
      type: str
      sample: rss
    grace:
      description: The grace period with its unit, or V(0).
      type: str
      sample: 500ms
    mode:
      description: The mode.
      type: str
      sample: enforce
after:
  description:
    - The same afterwards, read back from the kernel where it was written. In check mode as they would be.
  returned: success
  type: list
  elements: dict
  contains: *limit
kernel_changed:
  description: Whether the kernel's limits changed.
  returned: success
  type: bool
file_changed:
  description: Whether the limits file changed.
  returned: success
  type: bool
usage:
  description:
    - What the kernel counts for the UIDs the task speaks of, read before the change.
    - A UID is listed when it has a limit and at least one process or event.
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
engine:
  description: How the kernel counts, V(hooks) or V(scan).
  returned: success
  type: str
  sample: hooks
kernel:
  description: The release of the running kernel.
  returned: success
  type: str
  sample: 6.1.158-uidmem-0a1b2c3d
"""
