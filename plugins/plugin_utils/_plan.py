# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What has to change on a device: desired table, from what the kernel and the file have, and the one write it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import (
    Charge,
    Declaration,
    DesiredState,
    TaskError,
    TaskParameters,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import (
    OWN_PATH,
    PROC_LIMITS,
    Change,
    Ending,
    Query,
    Reading,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._diff import MAX_CONFLICTS, LimitsFile, changes
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    KNOWN,
    Limit,
    LimitsError,
    Table,
    Vocabulary,
    merged,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import MIN_LIMIT, describe_size
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._usage import (
    describe_excess,
    exceeding,
    parse_stats,
    usage_of,
    within,
)

# Of more limits than that, a result has the changed ones only, unless all are asked for.
MANY = 100
# What a login takes at most, by metric: bash, sshd, systemd --user and its (sd-pam).
# A metric that leaves out file pages counts half of that.
RSS_OF_SESSION = 32 * MIN_LIMIT
SESSION_BY_OTHER_METRICS = 16 * MIN_LIMIT
# A message names so many lines of a file, and the number of the others.
NAMED_LINES = 5


@dataclass(frozen=True)
class Plan:
    """What kernel and file have, and what they shall have.

    C(before) and C(after) are the kernel's tables; without C(runtime) they are the file's, and the kernel stays as it
    is. The file's text is None where there is no file, or where it stays out of it. The kernel knows those C(names).
    With C(table_full), it evicts the limits that were set longest ago.
    """

    desired: DesiredState
    before: Table
    after: Table
    runtime: bool
    kernel_text: str
    kernel_sum: str
    path: str
    file_before: str | None
    file_after: str | None
    file_sum: str
    stats: list[dict[str, object]]
    names: Vocabulary = KNOWN
    return_all: bool = False
    period_s: int = 0
    timer: str = ""
    table_full: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def kernel_changed(self) -> bool:
        """Whether the kernel's table is another afterwards."""
        return self.runtime and self.before != self.after

    @property
    def file_changed(self) -> bool:
        """Whether the file is another afterwards."""
        return self.file_before != self.file_after

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return self.kernel_changed or self.file_changed

    def change(self) -> Change:
        """The one write that carries it out."""
        return Change(
            path=self.path,
            file_sum=self.file_sum,
            kernel_sum=self.kernel_sum,
            file_text=self.file_after if self.file_changed else None,
            set_lines=self._set_lines(),
            undo_lines=self._undo_lines() if self.file_changed else [],
            ending=self.ending,
            names=self.names,
        )

    @property
    def ending(self) -> Ending | None:
        """When and how the limits end that the task changes, where they are for a while."""
        if not self.period_s or not self.kernel_changed:
            return None
        changed = [limit.uids for limit in self.after if self.before.get(limit.uids) != limit]
        changed += [limit.uids for limit in self.before if self.after.get(limit.uids) is None]
        # The second word of the kernel's line, whatever other keys it has.
        limits = ((uids, self.after.get(uids)) for uids in changed)
        told = tuple((str(uids), limit.line().split()[1] if limit else "-") for uids, limit in limits)
        return Ending(self.period_s, self.timer, told)

    def _set_lines(self) -> list[str]:
        if not self.kernel_changed:
            return []
        # Those that are declared are all set, so that the kernel evicts others.
        return changes(self.before, self.after, self.desired.declared if self.table_full else ())

    def _undo_lines(self) -> list[str]:
        if not self.kernel_changed:
            return []
        return changes(self.after, self.before, self.before.entries if self.table_full else ())

    def entries(self, table: Table) -> list[Limit]:
        """Those entries of a table that the task speaks of."""
        return [limit for limit in table if self.desired.concerns(limit)]

    def told(self, after: Table, stats: Iterable[dict[str, object]]) -> dict[str, object]:
        """The part of the result that lists limits; I(after) and I(stats) are what the kernel has in the end."""
        befores, afters = self.entries(self.before), self.entries(after)
        usage = self._usage(stats)
        counts = {
            "before": len(befores),
            "after": len(afters),
            "added": sum(limit.uids not in self.before.entries for limit in afters),
            "removed": sum(limit.uids not in after.entries for limit in befores),
            "unchanged": sum(self.before.get(limit.uids) == limit for limit in afters),
        }
        counts["changed"] = counts["after"] - counts["added"] - counts["unchanged"]
        whole = self.return_all or max(len(befores), len(afters), len(usage)) <= MANY
        if not whole:
            befores = [limit for limit in befores if after.get(limit.uids) != limit]
            afters = [limit for limit in afters if self.before.get(limit.uids) != limit]
            usage = within(usage, merged(limit.uids for limit in (*befores, *afters)))
        return {
            "before": [limit.as_dict() for limit in befores],
            "after": [limit.as_dict() for limit in afters],
            "usage": usage,
            "counts": counts,
            "returned_all": whole,
        }

    def _usage(self, stats: Iterable[dict[str, object]]) -> list[dict[str, object]]:
        """What the kernel counts for the UIDs that the task speaks of, from its stats after the write.

        A UID whose limit has been removed is not in them; what was read before is told of it.
        """
        rows = {int(str(row["uid"])): row for row in (*self.stats, *stats)}
        ordered = [rows[uid] for uid in sorted(rows)]
        return ordered if self.desired.purge else within(ordered, self.desired.ranges())

    def diff(self, after: Table) -> list[dict[str, str]]:
        """Before and after in the grammar of the files, for diff mode; I(after) is what the kernel has in the end."""
        parts = []
        if self.kernel_changed:
            parts.append(_diff_of(PROC_LIMITS, self.kernel_text, after.text(self.names)))
        if self.file_changed:
            parts.append(_diff_of(self.path, self.file_before or "", self.file_after or ""))
        return parts


def _diff_of(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def query_of(parameters: TaskParameters) -> Query:
    """What has to be read for a task."""
    declarations = [entry.declaration for entry in parameters.entries if entry.declaration]
    parts = ["limits", "stats"]
    if parameters.runtime and parameters.below_usage != "ignore" and declarations:
        parts.append("processes")
    if parameters.subordinate:
        parts.append("subordinate")
    if any(may_be_below_session(declaration) for declaration in declarations):
        parts.append("logins")
    return Query(
        path=(parameters.path or OWN_PATH) if parameters.persist or parameters.period_s else "",
        parts=tuple(parts),
        users=parameters.users,
        groups=parameters.groups,
    )


def may_be_below_session(declaration: Declaration | Charge) -> bool:
    """Whether it would be worth a warning where it is for somebody who logs in."""
    return isinstance(declaration, Declaration) and below_session(declaration.max.bytes, declaration.metric)


def below_session(size: int | None, metric: str) -> bool:
    """Whether a limit leaves no room for a login."""
    return size is not None and size < session_size(metric)


def session_size(metric: str) -> int:
    """What a login takes at most by that metric."""
    return RSS_OF_SESSION if metric == "rss" else SESSION_BY_OTHER_METRICS


def names_of(reading: Reading) -> Vocabulary:
    """The names a device's kernel knows; those that this collection brings where it is not loaded."""
    if not reading.features:
        return KNOWN
    return Vocabulary(reading.policies, reading.metrics, reading.on_high, reading.module_version)


def kernel_table(reading: Reading) -> Table:
    """The limits of a device's kernel."""
    return parse_kernel_table(reading.limits_text or "", names_of(reading))


def parse_kernel_table(text: str, names: Vocabulary) -> Table:
    """The limits that the kernel printed."""
    try:
        return Table.parse(text, names)
    except LimitsError as exc:
        raise TaskError(
            f"{PROC_LIMITS}, line {exc.line}: {exc.reason}."
            " The module uid_mem on this host and this collection do not fit together; bring both to the same version."
        ) from None


def parse_limits_file(text: str | None, names: Vocabulary, path: str) -> LimitsFile:
    """The limits file that a device has."""
    try:
        return LimitsFile.parse(text, names)
    except LimitsError as exc:
        raise TaskError(
            f"{path}, line {exc.line}: {exc.reason}. More than {MAX_CONFLICTS} lines do not fit together like this."
            " Correct the file, or delete it."
        ) from None


def file_problems(file: LimitsFile, path: str) -> list[str]:
    """What keeps lines of a limits file from being restored at boot."""
    found = []
    if file.windows:
        found.append(f"{path} has {file.windows}, as from an editor of Windows, and the kernel refuses such lines.")
    if file.refused:
        shown = "; ".join(f"line {exc.line}: {exc.reason}" for exc in file.refused[:NAMED_LINES])
        more = len(file.refused) - NAMED_LINES
        found.append(f"{path}, {shown}{f'; and {more} more lines' if more > 0 else ''}.")
    return found


def _file_warnings(file: LimitsFile, path: str, *, purge: bool) -> list[str]:
    """What the task does about them."""
    outcomes = []
    if file.windows:
        outcomes.append("The task takes that out.")
    if file.refused and purge:
        outcomes.append("As purge is true, the file does not keep what the kernel refuses.")
    elif file.refused:
        outcomes.append(
            "At boot the kernel refuses that and takes all other lines. The file keeps it: correct or delete it, or"
            " have it deleted by 'purge: true'."
        )
    return [f"{problem} {outcome}" for problem, outcome in zip(file_problems(file, path), outcomes, strict=True)]


def make_plan(parameters: TaskParameters, reading: Reading) -> Plan:
    """What has to change on a device that was read, or a TaskError about what cannot be."""
    names = names_of(reading)
    desired = parameters.desired_state(reading.users, reading.ram, names)
    if parameters.period_s and len(desired.declared) + len(desired.removed) > MANY:
        raise TaskError(f"for is for {MANY} limits at most at once; take a range, or several tasks.")
    tables: list[tuple[Table, Table]] = []
    warnings = list(desired.warnings)
    file_after = file_before = reading.file_text if parameters.persist else None
    if parameters.persist:
        file = parse_limits_file(file_before, names, reading.path)
        tables.append((file.table, _desired_table(desired, file.table, reading.path)))
        file_after = file.edited(tables[-1][1], purge=desired.purge)
        warnings += _file_warnings(file, reading.path, purge=desired.purge)
    if parameters.runtime:
        kernel = kernel_table(reading)
        tables.append((kernel, _desired_table(desired, kernel, PROC_LIMITS)))
    # Where there are both, the kernel's is what counts.
    before, after = tables[-1]
    full = _capacity_warnings(after, desired, reading) if parameters.runtime else []
    above = _usage_warnings(parameters, before, after, reading) if parameters.runtime else []
    return Plan(
        desired=desired,
        kernel_text=reading.limits_text or "",
        kernel_sum=reading.kernel_sum,
        before=before,
        after=after,
        runtime=parameters.runtime,
        path=reading.path,
        file_before=file_before,
        file_after=file_after,
        file_sum=reading.file_sum,
        stats=parse_stats(reading.stats_text),
        names=names,
        return_all=parameters.return_all,
        period_s=parameters.period_s,
        timer=reading.timer,
        table_full=bool(full),
        warnings=[*warnings, *full, *above, *_login_warnings(before, after, reading)],
    )


def _desired_table(desired: DesiredState, current: Table, path: str) -> Table:
    try:
        return desired.table(current)
    except LimitsError as exc:
        raise TaskError(f"{exc} (in {path} on this host).") from None


def _capacity_warnings(after: Table, desired: DesiredState, reading: Reading) -> list[str]:
    """A warning of limits that the kernel evicts, its table being full; a TaskError where it would refuse new ones."""
    capacity = reading.max_entries
    if not capacity or len(after) <= capacity:
        return []
    full = f"The kernel of this host has room for {capacity} limits (module parameter max_entries)"
    if not reading.evicts:
        raise TaskError(f"{full}, and these would be {len(after)}. Remove some, or raise max_entries.")
    if len(desired.declared) > capacity:
        raise TaskError(f"{full}, and the task declares {len(desired.declared)}. Declare fewer, or raise max_entries.")
    return [f"{full}: it evicts the {len(after) - capacity} that were set longest ago."]


def _login_warnings(before: Table, after: Table, reading: Reading) -> list[str]:
    """A warning of people whose new limit is below what they need to log in."""
    users = reading.users.logins
    found = [
        (uid, new)
        for (uid, new), (_uid, old) in zip(after.effective(users), before.effective(users), strict=True)
        if new and new != old and new.mode == "enforce" and below_session(new.max, new.metric)
    ]
    if not found:
        return []
    uid, limit = found[0]
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [
        f"{users[uid]} (UID {uid}){others} can hardly log in with {describe_size(limit.max)}: a shell and its session"
        f" take up to {describe_size(session_size(limit.metric))} by the metric {limit.metric}. Is a unit missing,"
        " as in 2048000K?"
    ]


def _usage_warnings(parameters: TaskParameters, before: Table, after: Table, reading: Reading) -> list[str]:
    """A warning of users who are above their new limit; a TaskError where that is to be refused."""
    if parameters.below_usage == "ignore":
        return []
    found = exceeding(before, after, usage_of(parse_stats(reading.stats_text), reading.processes_text))
    if not found:
        return []
    if parameters.below_usage == "refuse":
        raise TaskError(
            f"Above the new limit already: {describe_excess(found)}. Nothing was changed."
            " Raise max, end some of their processes, or let them be killed with 'below_usage: warn'."
        )
    outcome = "may be killed" if any(excess.is_bound for excess in found) else "are killed"
    return [f"Above the new limit already, so that processes {outcome}: {describe_excess(found)}."]
