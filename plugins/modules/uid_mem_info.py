#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: uid_mem_info
short_description: Read memory limits, usage, events and features of a host
version_added: 0.1.0
description:
  - Returns what C(/proc/uid_mem) tells and what the limits file declares, with one remote read, which changes nothing
    there. Every reader of events has a place of its own and begins with the oldest that is kept, so none is taken away
    from C(uid_memd) or anybody else.
  - A host without the module does not fail the task. RV(loaded) is V(false) there, and RV(not_loaded_because) names the
    way out.
  - Without root, the kernel shows the usage of the user's own UID only, and no events.
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
options:
  gather:
    description:
      - What to return. By default all, with events and limits file where the user may read them; a part that is named
        here or by another option has to be readable, where the module is loaded.
    type: list
    elements: str
    choices:
      - features
      - limits
      - stats
      - events
      - file
  since:
    description:
      - The number of an event (V(1234)); the events after it are returned. A number that the kernel has not come to is
        one from before the module was loaded again, and all events are returned.
      - Or how far back events may be, with a unit (V(30s), V(10m), V(2h), V(1d)), by the host's clock that counts from
        its boot.
      - By default, all that the kernel keeps (the newest 2,048).
    type: raw
  max_events:
    description:
      - How many events to return, the newest ones; RV(events_omitted) counts the others.
    type: int
    default: 1000
  event_types:
    description:
      - Which events to return, by the kernel's names (V(kill), V(high), V(max), V(limit_set)). By default all.
    type: list
    elements: str
  desired:
    description:
      - The limits that should be in force, as O(devfleet.uid_mem.uid_mem_limit#module:limits) has them, such as the
        variable C(uid_mem_limits) of the role P(devfleet.uid_mem.uid_mem#role). RV(desired_drift) says which are not.
      - An item may also have C(persist). With V(false), its limit need not be in the limits file.
    type: list
    elements: dict
  path:
    description:
      - The limits file. By default the one that M(devfleet.uid_mem.uid_mem_limit) has on that kind of host.
    type: str
seealso:
  - module: devfleet.uid_mem.uid_mem_limit
"""

EXAMPLES = r"""
- name: Read limits and usage
  devfleet.uid_mem.uid_mem_info:
  become: true
  register: uid_mem

- name: Read what was killed within the last day
  devfleet.uid_mem.uid_mem_info:
    gather:
      - events
    since: 1d
  become: true
  register: recently

- name: Check that nothing was killed
  ansible.builtin.assert:
    that: recently.events | selectattr('event', 'eq', 'kill') | length == 0

- name: Read what has happened since
  devfleet.uid_mem.uid_mem_info:
    gather:
      - events
    since: "{{ (recently.events | last | default({})).seq | default(omit) }}"
    max_events: 100
  become: true

- name: Read which limits of the inventory are not in force, and where kernel and file differ
  devfleet.uid_mem.uid_mem_info:
    desired: "{{ uid_mem_limits | default([]) }}"
  become: true
  register: compared

- name: Check that the host has the module and all its limits
  ansible.builtin.assert:
    that:
      - compared.loaded
      - compared.drift == []
      - compared.desired_drift == []

- name: The kernel counts exactly
  ansible.builtin.assert:
    that: uid_mem.features.engine == 'hooks'
"""

RETURN = r"""
features:
  description:
    - What the kernel's module can do, with the names it gives; C(policies), C(metrics), C(footprint) and C(on_high) are
      lists. One that is older than C(on_high) does not have it.
    - C(footprint) is what the metric of that name counts. A module that is older, and a kernel without kprobes, have
      neither that nor the metric.
  returned: when O(gather) has it
  type: dict
  sample:
    abi: "1"
    engine: hooks
    policies: [highest_rss, longest_run_time, worst, youngest]
    metrics: [rss, anon, footprint]
    footprint: [anon, swap, pgtables]
    on_high: [event, term, reclaim]
limits:
  description:
    - All limits, in the order of the kernel. The names and forms are those of the options of
      M(devfleet.uid_mem.uid_mem_limit).
    - C(uid) is text, because it may be a range; C(uid_first) and C(uid_last) are numbers.
    - An entry by which UIDs use the budget of another UID has C(charge_to), that UID as text, and nothing else beside.
    - P(devfleet.uid_mem.limit_in_force#filter) finds the one that counts for a UID.
  returned: when O(gather) has it
  type: list
  elements: dict
  sample:
    - uid: "10070"
      uid_first: 10070
      uid_last: 10070
      max: 104857600
      high: max
      on_high: event
      policy: default
      metric: rss
      grace: "0"
      mode: enforce
    - uid: 100000-165535
      uid_first: 100000
      uid_last: 165535
      charge_to: "10070"
stats:
  description: A line for each UID that has a limit and at least one process or event. Sizes are in bytes.
  returned: when O(gather) has it
  type: list
  elements: dict
  sample:
    - uid: "10070"
      uid_first: 10070
      uid_last: 10070
      usage: 73400320
      peak: 99614720
      procs: 4
      max: 104857600
      kills: 1
events:
  description:
    - The events, the oldest first, with the names that the kernel gives. C(ts) are nanoseconds since boot
      (C(CLOCK_BOOTTIME)), sizes are in bytes, C(uid) is text, as everywhere, because it may be a range, and C(comm) is
      as the kernel prints it, with C(\xHH) for what is not printable.
    - Beside these, C(time) is the time of day in UTC, by what the host's clock shows now, to the second; C(user) is the
      name of the UID on the host, empty where it has none or is a range; C(uid_first) and C(uid_last) are numbers.
  returned: when O(gather) has it and the user may read them
  type: list
  elements: dict
  sample:
    - seq: 12
      ts: 5025190234127
      time: "2026-11-27T12:01:02Z"
      event: kill
      uid: "10070"
      uid_first: 10070
      uid_last: 10070
      user: u0_a70
      pid: 4711
      comm: bloat
      policy: highest_rss
      victim_rss: 96468992
      runtime_ms: 310
      badness: 0
      usage: 105910272
      max: 104857600
uptime_ns:
  description: The host's C(CLOCK_BOOTTIME) in nanoseconds, by which the age of an event is told from its C(ts).
  returned: with RV(events)
  type: int
  sample: 5525190234127
events_omitted:
  description:
    - How many events there are besides, older ones, for which O(max_events) left no room. Those that were dropped among
      them are not told apart.
  returned: with RV(events)
  type: int
  sample: 0
events_lost:
  description:
    - How many events that were asked for the kernel has dropped already, before the first event or between two that are
      returned; where O(since) is a time, at most so many.
  returned: with RV(events)
  type: int
  sample: 0
loaded:
  description: Whether the module is loaded, so that limits are enforced.
  returned: success
  type: bool
  sample: true
not_loaded_because:
  description: Why the module is not loaded, and how it gets there; empty where it is.
  returned: success
  type: str
  sample: ""
file_path:
  description: The path of the limits file.
  returned: when O(gather) has C(file)
  type: str
  sample: /etc/uid_mem/limits
file_error:
  description:
    - Why the file cannot be read, or which of its lines the kernel refuses at boot, where it takes all others; empty
      where neither is so.
  returned: when O(gather) has C(file)
  type: str
  sample: ""
file_limits:
  description:
    - The limits of the file, in the form of RV(limits), but for lines that the kernel refuses. None where there is no
      file.
  returned: when O(gather) has C(file), and the file can be read
  type: list
  elements: dict
  sample: []
drift:
  description: The entries in which the kernel differs from the file, in the order of the UIDs.
  returned: when O(gather) has C(file), and the file can be read
  type: list
  elements: dict
  contains:
    uid:
      description: The UID, or the range.
      type: str
      sample: "10070"
    uid_first: &uid_first
      description: The UID, or the first one of the range, as a number.
      type: int
      sample: 10070
    uid_last: &uid_last
      description: The UID, or the last one of the range, as a number.
      type: int
      sample: 10070
    kernel:
      description: The limit in force, in the form of RV(limits); null where there is none.
      type: dict
    file:
      description: The limit of the file; null where there is none.
      type: dict
desired_drift:
  description: The items of O(desired) that are not in force, in their order.
  returned: with O(desired)
  type: list
  elements: dict
  contains:
    item:
      description: The number of the item, from 1.
      type: int
      sample: 1
    uid:
      description: The UID, or the range; empty where the host does not know the user or the group.
      type: str
      sample: "10070"
    uid_first: *uid_first
    uid_last: *uid_last
    user:
      description: The name, where the item has one.
      type: str
      sample: u0_a70
    group:
      description: The group of which this UID is a member, where the item has one.
      type: str
      sample: ""
    kernel:
      description: The limit in force, in the form of RV(limits); null where there is none.
      type: dict
    desired:
      description: The limit that should be; null where there should be none.
      type: dict
    problem:
      description: Why the item cannot be in force on this host, such as a user it does not know; else empty.
      type: str
      sample: ""
kernel:
  description: The release of the running kernel.
  returned: success
  type: str
  sample: 6.1.158-uidmem-0a1b2c3d
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import RUN_DIRECTLY, UID_MEM_INFO_MODULE


def main() -> None:
    """The work is that of the action plugin of the same name."""
    AnsibleModule(**UID_MEM_INFO_MODULE).fail_json(msg=RUN_DIRECTLY)


if __name__ == "__main__":
    main()
