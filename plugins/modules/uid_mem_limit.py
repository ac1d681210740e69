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
  - Declares the memory limit of a UID, of each UID in a range, or a list of limits, in the running kernel and in the
    limits file that is restored at boot.
  - When the processes of that UID together use more than O(max), one of them, chosen by O(policy), is killed.
    Processes of other UIDs are not touched.
  - The task makes one remote read, and one remote write where something has to change, whatever the number of limits.
    The new file is complete on the disk before the kernel is written, and takes the place of the old one afterwards;
    when a step fails, the ones before it are taken back.
  - With O(subordinate=true) the limit is one budget for a UID and its subordinate UIDs, those that its containers run
    as.
  - Tasks that run on a host at the same time do not undo each other. Each writes only where kernel and file are still
    as it has read them, and looks again where they are not; the file is locked meanwhile.
requirements:
  - The module C(uid_mem) is loaded on the host, which the role P(devfleet.uid_mem.uid_mem#role) does, now and at boot;
    not with O(runtime=false).
  - Root, C(become) for most.
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
    details:
      - The result is that of a real run, but for what only a write finds out. That is a limit the kernel refuses, a
        disk that is full, a file that another run keeps locked, and which limits the kernel evicts where its table is
        full.
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
  uid: &uid
    description:
      - The user id, a number from 1 to 4294967294, or a range of them (V(10000-19999)) in which each UID gets the
        limit for itself.
      - An exact UID beats a range, a narrower range a wider one. Two ranges must not overlap unless one lies within the
        other.
      - UID 0 (root) cannot be limited.
      - A limit has one of this, C(user) and C(group).
    type: raw
  user: &user
    description:
      - The name of a user, whose UID the host looks up.
      - Names of Android's apps need no entry in the host's user database. Where it has none, V(u0_a70) is UID 10070
        (user * 100000 + 10000 + app), and V(u0_i7) is 90007 (user * 100000 + 90000 + isolated process).
    type: str
  group: &group
    description:
      - The name of a group, or a list of them. Each member gets the limit for itself, also one whose primary group it
        is. The host looks them up, by C(getent) where it has that, so that a directory service is asked too.
      - An entry with C(uid) or C(user) beats one with C(group). Of two groups with a member in common, the one that is
        listed last counts.
      - Root is left out. A member that is not a member any more keeps the limit, unless O(purge=true).
      - A directory service may refuse to list all its users (C(enumerate) of C(sssd)). Members by their primary group
        are unknown then, and only those that the group lists get the limit.
    type: list
    elements: str
    version_added: 0.2.0
  max: &max
    description:
      - The limit. A number of bytes (V(104857600)), a number with C(K), C(M), C(G) or C(T) for powers of 1024
        (V(100M), V(1.5G)), a share of the host's RAM (V(25%), rounded down to whole MiB), or V(max) for no limit, which
        makes an exception from a range.
      - At least 1 MiB. The task warns where a person who can log in to the host gets less than a shell and its session
        need.
      - Required, unless C(state) is V(absent), or C(charge_to) is there in its place.
    type: raw
  high: &high
    description:
      - Usage above this is an event, and what C(on_high) says. The same forms as for C(max), and at most that.
      - V(max) means that there is no such level.
    type: raw
    default: max
  on_high: &on_high
    description:
      - What happens when usage rises above C(high), once until it has clearly fallen below. There is always an event.
      - V(event) does nothing more.
      - V(term) sends SIGTERM to the process that C(policy) chooses, which may save its work and end, or give memory
        back, before a process is killed at C(max). It is never one that must not be killed. With V(audit) as C(mode) no
        signal is sent, and the event says whom it would have been for.
      - V(reclaim) has C(uid_memd) page out memory of the UID until usage is below C(high) or nothing more goes. Without
        swap these are pages of files only. Nothing happens where C(uid_memd) does not run.
      - With V(anon) or V(footprint) as C(metric), memory in swap counts as before, so that V(reclaim) frees RAM of the
        host, but does not lower usage.
      - All but V(event) need C(high), and a module C(uid_mem) that is not older than this collection.
    type: str
    choices:
      - event
      - term
      - reclaim
    default: event
    version_added: 0.2.0
  policy: &policy
    description:
      - How the process to kill is chosen, by the name of a policy the host's kernel knows, or V(default) for the one
        the module parameter C(policy) names.
      - V(highest_rss) kills the process with the most resident memory, V(longest_run_time) the one that has used the
        most CPU time, V(worst) the one with the highest badness (its share of RAM and its C(oom_score_adj)),
        V(youngest) the one that was started last.
    type: str
    default: default
  metric: &metric
    description:
      - What counts as usage. V(rss) is all resident memory, V(anon) leaves out page cache and shared memory, and counts
        swap. Both count a page once for each process that maps it.
      - V(footprint) counts what V(anon) does by share, so that each of ten processes that share a page is charged a
        tenth of it, and page tables. By the policy V(highest_rss) the process with the largest share is killed.
      - Files in memory, such as those in C(/dev/shm), are not part of V(footprint).
      - V(footprint) needs a kernel with kprobes, and a module C(uid_mem) that is not older than this collection.
        Elsewhere the task fails before anything is changed.
    type: str
    choices:
      - rss
      - anon
      - footprint
    default: rss
  grace: &grace
    description:
      - How long usage may stay above C(max), all in all, before a process is killed, with its unit (V(500ms), V(2s),
        V(1m)). At most one hour. A short dip below C(max) does not begin it anew.
      - A number without a unit is refused, but for V(0).
    type: raw
    default: 0
  mode: &mode
    description:
      - V(enforce) kills. V(audit) only reports who would have been killed.
    type: str
    choices:
      - enforce
      - audit
    default: enforce
  subordinate: &subordinate
    description:
      - Whether the subordinate UIDs that C(/etc/subuid) on the host has for the UID use its budget, so that it is one
        for the UID and all that runs in its containers. For a range, those of each UID in it.
      - The task fails where C(/etc/subuid) has none for the UID; a range, or a member of C(group), may be without any.
      - Makes an entry such as C(100000-165535 charge_to=1000) of each line of C(/etc/subuid). One for a range of UIDs
        that C(/etc/subuid) does not have any more is removed. With V(absent) as C(state), all of them are removed.
      - With V(false) these entries are left as they are.
    type: bool
    default: false
  charge_to: &charge_to
    description:
      - A UID whose budget is used, in place of one of their own, by the UID or by all UIDs of the range together. What
        it has for a limit counts, and where it has none, there is none.
      - Stands in place of C(max) and of all other options that say what the limit is.
      - That UID must not be charged to another one itself.
    type: raw
  state: &state
    description:
      - V(present) declares the whole limit, options left out have their defaults.
      - V(absent) removes the limit with exactly this UID or range; a range around it, or limits within it, stay.
    type: str
    choices:
      - present
      - absent
    default: present
  limits:
    description:
      - Any number of limits at once, in place of O(uid), O(user) or O(group). No UID or range may be there twice.
      - What is given beside this list that an item may have, too, such as O(max), is for the items that leave it out.
        So is what C(module_defaults) has. It does not count in an item where it cannot be given (C(max) beside
        C(charge_to)).
      - All of them are written together, or none is. Where items are wrong, the message has up to 20 of them.
      - C(uid_first) and C(uid_last) in an item, which results have, are left out of account.
    type: list
    elements: dict
    suboptions:
      uid: *uid
      user: *user
      group: *group
      max: *max
      high: *high
      on_high: *on_high
      policy: *policy
      metric: *metric
      grace: *grace
      mode: *mode
      subordinate: *subordinate
      charge_to: *charge_to
      state: *state
  purge:
    description:
      - Whether limits that are not in O(limits) are removed, from the kernel and from the limits file. Comments in the
        file are kept.
      - Lines of the limits file that the kernel would refuse are removed, too, with a warning.
      - Needs O(limits), which may be an empty list. From C(module_defaults), it only counts where there is O(limits).
    type: bool
    default: false
  persist:
    description:
      - Whether the limits file is kept in step. With V(false) the file is neither read nor written.
    type: bool
    default: true
  runtime:
    description:
      - Whether the running kernel is kept in step. With V(false) the limits are written to the file only, for the next
        boot; the module need not be loaded.
    type: bool
    default: true
  for:
    description:
      - How long the limits are for, with a unit (V(90s), V(30m), V(2h), V(1d)). Afterwards those of the limits file are
        back, and where the file has none, there is none. The file itself is not changed, so after a reboot its limits
        are back at once.
      - The host ends the limits by itself, without C(uid_memd) or the controller. It takes a timer of systemd, or,
        where systemd does not run, a process in the background that sleeps. Nothing ends them where that process is
        killed. Time in which the host is suspended does not count for it.
      - A limit that has been set to another size meanwhile, or removed, is left as it is. So a task without this option
        that declares the limit ends this one for good.
      - A limit that is in force already stays as it is, with the end it has, if any.
      - For at most 100 limits of a task. Not with O(purge=true), O(runtime=false) or O(persist=true).
    type: raw
    version_added: 0.2.0
  below_usage:
    description:
      - What to do when a limit that changes is below what a UID uses at that moment by O(metric), so that
        processes would be killed at once. V(warn) sets it and warns, V(refuse) fails before anything is changed,
        V(ignore) does not look.
      - What a UID without a limit uses is added up from C(/proc/PID/status). Memory that processes share by C(vfork)
        counts twice there, and processes in a user namespace count to the UID they have outside of it. That of UIDs
        that are to be charged to another one is added to what that one uses.
      - The kernel knows a footprint only of a UID whose limit has that metric. For another one, the task takes memory
        as not shared, which is the most that it can be, so that V(refuse) may refuse a limit that is high enough.
      - Limits with O(mode=audit) are not looked at, nor is anything with O(runtime=false).
    type: str
    choices:
      - warn
      - refuse
      - ignore
    default: warn
  path:
    description:
      - The absolute path of the limits file. The default is C(/etc/uid_mem/limits), and C(/data/local/uid_mem/limits)
        on Android, which is a device that has C(/system/bin/sh) and C(/data/local). Another one is restored at boot
        where the role P(devfleet.uid_mem.uid_mem#role) has been given the same path (C(uid_mem_limits_path)).
      - Comments in it are kept, as are its mode, owner and security context. Its directory is created (mode 0755) where
        only that one is missing.
      - A line that the kernel would refuse is kept, with a warning, unless O(purge=true). At boot it has no effect on
        the others. A byte-order mark and CRLF line ends are taken out.
    type: str
  return_all:
    description:
      - Whether RV(before), RV(after) and RV(usage) have all that the task speaks of. By default, where that is more
        than 100 entries, they have those only that the task changed; RV(counts) counts the others.
    type: bool
    default: false
    version_added: 0.2.0
seealso:
  - module: devfleet.uid_mem.uid_mem_info
"""

EXAMPLES = r"""
- name: Limit the app with UID 10070 to 100 MiB
  devfleet.uid_mem.uid_mem_limit:
    uid: 10070
    max: 100M
  become: true

- name: Limit the same app by Android's name for it, on a device
  devfleet.uid_mem.uid_mem_limit:
    user: u0_a70
    max: 100M
  become: true

- name: Limit every app to a quarter of the RAM
  devfleet.uid_mem.uid_mem_limit:
    uid: 10000-19999
    max: 25%
  become: true

- name: Let one app use what it wants
  devfleet.uid_mem.uid_mem_limit:
    uid: 10071
    max: max
  become: true

- name: Try a limit out, with a warning below it and without a kill
  devfleet.uid_mem.uid_mem_limit:
    uid: 1000
    max: 1.5G
    high: 1G
    mode: audit
  become: true

- name: Ask a process to end at 1.5 GiB, and kill one at 2 GiB
  devfleet.uid_mem.uid_mem_limit:
    uid: 1000
    max: 2G
    high: 1.5G
    on_high: term
  become: true

- name: Swap out memory of an app at 96 MiB
  devfleet.uid_mem.uid_mem_limit:
    uid: 10070
    max: 128M
    high: 96M
    on_high: reclaim
  become: true

- name: Set a limit only where no process is killed for it now
  devfleet.uid_mem.uid_mem_limit:
    uid: 1000
    max: 512M
    below_usage: refuse
  become: true

- name: Set a limit until the next boot only
  devfleet.uid_mem.uid_mem_limit:
    uid: 1000
    max: 512M
    persist: false
  become: true

- name: Lift the limit of a user for two hours
  devfleet.uid_mem.uid_mem_limit:
    user: games
    max: max
    for: 2h
  become: true

- name: Set a limit from the next boot on only
  devfleet.uid_mem.uid_mem_limit:
    uid: 1000
    max: 512M
    runtime: false
  become: true

- name: Set these limits, and remove all others
  devfleet.uid_mem.uid_mem_limit:
    limits:
      - uid: 1000-59999
        max: 2G
        high: 1.5G
      - user: games
        max: 8G
        policy: youngest
        grace: 2s
      - uid: 1017
        max: max
    purge: true
  become: true

- name: Limit a user and their rootless containers to 4 GiB together
  devfleet.uid_mem.uid_mem_limit:
    user: games
    max: 4G
    subordinate: true
  become: true

- name: Charge a second account to the budget of the first
  devfleet.uid_mem.uid_mem_limit:
    uid: 2002
    charge_to: 2001
  become: true

- name: Limit each student to 2 GiB, two of them to more
  devfleet.uid_mem.uid_mem_limit:
    limits:
      - group: students
        max: 2G
      - user: games
        max: 8G
  become: true

- name: Give some users the same limit, and a warning below it
  devfleet.uid_mem.uid_mem_limit:
    max: 2G
    high: 1.5G
    limits:
      - uid: 1001
      - uid: 1002
      - uid: 1003
        max: 4G
  become: true

- name: Remove the limit of the app with UID 10070
  devfleet.uid_mem.uid_mem_limit:
    uid: 10070
    state: absent
  become: true

- name: Remove all limits
  devfleet.uid_mem.uid_mem_limit:
    limits: []
    purge: true
  become: true
"""

RETURN = r"""
before:
  description:
    - The limits the task speaks of, as the kernel had them; with O(runtime=false), as the file had them.
    - With O(purge=true) the task speaks of all there are.
    - Of more than 100, those that the task changed, unless O(return_all=true).
    - An entry by which UIDs use the budget of another UID has C(uid), C(uid_first), C(uid_last) and C(charge_to), and
      nothing else.
  returned: success
  type: list
  elements: dict
  contains: &limit
    uid:
      description: The UID or range.
      type: str
      sample: "10070"
    uid_first:
      description: The UID, or the first one of the range, as a number.
      type: int
      sample: 10070
    uid_last:
      description: The UID, or the last one of the range, as a number.
      type: int
      sample: 10070
    max:
      description: The limit in bytes, or V(max).
      type: raw
      sample: 104857600
    high:
      description: The warning level in bytes, or V(max).
      type: raw
      sample: max
    on_high:
      description: What happens above that level.
      type: str
      sample: event
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
    charge_to:
      description: The UID whose budget these UIDs use.
      type: str
      sample: "10070"
after:
  description:
    - The same afterwards, read back from the kernel where it was written. In check mode as they would be.
  returned: success
  type: list
  elements: dict
  contains: *limit
counts:
  description: How many entries the task speaks of, and what became of them.
  returned: success
  type: dict
  contains:
    before:
      description: How many there were.
      type: int
      sample: 9999
    after:
      description: How many there are.
      type: int
      sample: 10000
    added:
      description: How many of these were not there.
      type: int
      sample: 1
    changed:
      description: How many of these were others.
      type: int
      sample: 0
    unchanged:
      description: How many of these are as they were.
      type: int
      sample: 9999
    removed:
      description: How many are gone.
      type: int
      sample: 0
returned_all:
  description: Whether RV(before), RV(after) and RV(usage) have all that the task speaks of.
  returned: success
  type: bool
  sample: true
reverts:
  description:
    - In how many seconds (C(after_s)) the limits of the file are back, and what brings them back (C(by)), V(systemd) or
      a V(process) in the background.
  returned: when O(for) is there and the kernel's limits changed
  type: dict
  sample:
    after_s: 7200
    by: systemd
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
    - What the kernel counts for the UIDs the task speaks of, right after the change; of a UID that it does not count
      any more, what it counted before.
    - A UID is listed when it has a limit and at least one process or event.
  returned: success
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
engine:
  description: How the kernel counts, V(hooks) or V(scan). Empty where the module is not loaded (O(runtime=false)).
  returned: success
  type: str
  sample: hooks
kernel:
  description: The release of the running kernel.
  returned: success
  type: str
  sample: 6.1.158-uidmem-0a1b2c3d
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import RUN_DIRECTLY, UID_MEM_LIMIT_MODULE


def main() -> None:
    """The work is that of the action plugin of the same name."""
    AnsibleModule(**UID_MEM_LIMIT_MODULE).fail_json(msg=RUN_DIRECTLY)


if __name__ == "__main__":
    main()
