# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a task's arguments to what has to be written.

It goes one way: arguments -> wish (what the task declares) -> desired table, from what the kernel and the file have ->
plan (what each must change) -> one C(Change) for the device.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import PROC_LIMITS, Change, Reading, parse_stats
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._diff import changes, edit_text
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    MODES,
    Limit,
    LimitsError,
    Table,
    Uids,
    Vocabulary,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import Size, SizeError, parse_grace, parse_size

DEFAULT_PATH = "/etc/uid_mem/limits"

ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "uid": {"type": "raw", "required": True},
    "max": {"type": "raw"},
    "high": {"type": "raw", "default": "max"},
    "policy": {"type": "str", "default": "default"},
    "metric": {"type": "str", "default": "rss", "choices": ["rss", "anon"]},
    "grace": {"type": "raw", "default": 0},
    "mode": {"type": "str", "default": "enforce", "choices": list(MODES)},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "persist": {"type": "bool", "default": True},
    "path": {"type": "str", "default": DEFAULT_PATH},
}


class TaskError(ValueError):
    """Arguments that cannot be meant, or a file that cannot be used; the message names the way out."""


@dataclass(frozen=True)
class Declaration:
    """A limit as the task declares it; a size may still be a share of a RAM that is not known yet."""

    uids: Uids
    max: Size
    high: Size
    policy: str
    metric: str
    grace_ms: int
    mode: str

    def limit(self, ram: int | None, names: Vocabulary) -> Limit:
        """The entry on a device with that much RAM and a kernel that knows those names."""
        if self.policy not in names.policies:
            raise TaskError(
                f"policy: '{self.policy}' is unknown to the kernel of this host; it knows {', '.join(names.policies)}."
            )
        if self.metric not in names.metrics:
            raise TaskError(
                f"metric: '{self.metric}' is unknown to the kernel of this host; it knows {', '.join(names.metrics)}."
            )
        limit = Limit(
            uids=self.uids,
            max=self.max.resolve(ram, name="max"),
            high=self.high.resolve(ram, name="high", minimum=1),
            policy=self.policy,
            metric=self.metric,
            grace_ms=self.grace_ms,
            mode=self.mode,
        )
        limit.check()
        return limit


@dataclass(frozen=True)
class Wish:
    """All that a task says: which limits shall be there, which shall not, and whether in the file too."""

    declared: tuple[Declaration, ...]
    removed: tuple[Uids, ...]
    persist: bool
    path: str

    def concerns(self, uids: Uids) -> bool:
        """Whether the entry for exactly these UIDs is one the task speaks of."""
        return uids in self.removed or any(uids == declaration.uids for declaration in self.declared)

    def concerns_uid(self, uid: int) -> bool:
        """Whether this UID lies in what the task speaks of."""
        return any(uid in uids for uids in (*self.removed, *(declaration.uids for declaration in self.declared)))

    def desired(self, current: Table, ram: int | None, names: Vocabulary) -> Table:
        """The table that shall be, from the one that is."""
        table = current.copy()
        for uids in self.removed:
            table.entries.pop(uids, None)
        for declaration in self.declared:
            table.set(declaration.limit(ram, names))
        table.check()
        return table


def parse_arguments(arguments: Mapping[str, object]) -> Wish:
    """What the task declares, or a TaskError that says what to write instead."""
    validator: Any = ArgumentSpecValidator
    validated = validator(ARGUMENT_SPEC, required_if=[("state", "present", ("max",))]).validate(dict(arguments))
    if validated.error_messages:
        raise TaskError(_sentence("; ".join(_polish(message) for message in validated.error_messages)))
    values = validated.validated_parameters
    try:
        uids = parse_uids(values["uid"])
        declaration = _parse_declaration(uids, values) if values.get("max") is not None else None
    except (SizeError, LimitsError) as exc:
        raise TaskError(_sentence(str(exc))) from None
    present = values["state"] == "present"
    return Wish(
        declared=(declaration,) if present and declaration else (),
        removed=() if present else (uids,),
        persist=values["persist"],
        path=parse_path(values["path"]),
    )


def parse_no_arguments(arguments: Mapping[str, object]) -> None:
    """Refuse whatever is given to a module without options."""
    if arguments:
        raise TaskError(f"unknown argument {', '.join(map(str, arguments))}; this module takes none.")


def _sentence(message: str) -> str:
    return message if message.endswith("?") else f"{message}."


def _polish(message: str) -> str:
    """The validator's message, which speaks of a module run by hand, for a task."""
    unknown = re.fullmatch(r"([^.]+)\. Supported parameters include: (.+)\.", message)
    return f"unknown argument {unknown[1]}; this module takes {unknown[2]}" if unknown else message


def parse_uids(value: object) -> Uids:
    """The UIDs that C(uid) names: a number, or a range as text."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise LimitsError(errno.EINVAL, f"uid: {value!r} is neither a UID (10070) nor a range of UIDs (10000-19999)")
    text = str(value).strip()
    if re.fullmatch(r"-[0-9]+", text, re.ASCII):
        raise LimitsError(errno.EINVAL, f"uid: {text} is negative; UIDs go from 1 to 4294967294")
    try:
        return Uids.parse(text)
    except LimitsError as exc:
        hint = f"; look the number of a user up with 'id -u {text}'" if re.fullmatch(r"[A-Za-z_][\w.-]*", text) else ""
        raise LimitsError(exc.code, f"uid: {exc.reason}{hint}") from None


def _parse_declaration(uids: Uids, values: Mapping[str, object]) -> Declaration:
    limit, high = parse_size(values["max"], name="max"), parse_size(values["high"], name="high", minimum=1)
    if limit.percent is None and high.percent is None:
        Limit(uids, limit.bytes, high.bytes).check()
    return Declaration(
        uids=uids,
        max=limit,
        high=high,
        policy=str(values["policy"]),
        metric=str(values["metric"]),
        grace_ms=parse_grace(values["grace"]),
        mode=str(values["mode"]),
    )


def parse_path(path: str) -> str:
    """The limits file's path, checked for what would make it another file than the one meant."""
    if not path.startswith("/") or path.endswith("/") or not path.isprintable():
        raise TaskError(f"path: {path!r} is not the absolute path of a file; write one like {DEFAULT_PATH}.")
    return path


@dataclass(frozen=True)
class Plan:
    """What kernel and file have, and what they shall have; without C(persist) the file stays out of it."""

    wish: Wish
    kernel_before: Table
    kernel_after: Table
    kernel_text: str
    file_before: str | None
    file_after: str | None
    file_sum: str
    usage: list[dict[str, object]]

    @property
    def kernel_changed(self) -> bool:
        """Whether the kernel's table is another afterwards."""
        return self.kernel_before != self.kernel_after

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
            path=self.wish.path,
            file_sum=self.file_sum,
            file_text=self.file_after if self.file_changed else None,
            set_lines=changes(self.kernel_before, self.kernel_after),
            undo_lines=changes(self.kernel_after, self.kernel_before) if self.file_changed else [],
        )

    def entries(self, table: Table) -> list[dict[str, object]]:
        """Those entries of a table that the task speaks of."""
        return [limit.as_dict() for limit in table if self.wish.concerns(limit.uids)]

    def diff(self) -> list[dict[str, str]]:
        """Before and after in the grammar of the files, for diff mode."""
        parts = []
        if self.kernel_changed:
            parts.append(_diff_of(PROC_LIMITS, self.kernel_text, self.kernel_after.text()))
        if self.file_changed:
            parts.append(_diff_of(self.wish.path, self.file_before or "", self.file_after or ""))
        return parts


def _diff_of(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def names_of(reading: Reading) -> Vocabulary:
    """The names a device's kernel knows."""
    return Vocabulary(reading.policies, reading.metrics)


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


def _file_table(text: str, names: Vocabulary, path: str) -> Table:
    try:
        return Table.parse(text, names)
    except LimitsError as exc:
        raise TaskError(
            f"{path}, line {exc.line}: {exc.reason}."
            " The kernel would refuse the file at the next boot. Correct or delete that line."
        ) from None


def make_plan(wish: Wish, reading: Reading) -> Plan:
    """What has to change on a device that was read, or a TaskError about what cannot be."""
    names = names_of(reading)
    kernel = kernel_table(reading)
    file_before = reading.file_text if wish.persist else None
    file_after = file_before
    kernel_after = _desired(wish, kernel, reading, PROC_LIMITS)
    if wish.persist:
        in_file = _file_table(file_before or "", names, wish.path)
        file_after = edit_text(file_before, _desired(wish, in_file, reading, wish.path), names)
    return Plan(
        wish=wish,
        kernel_before=kernel,
        kernel_after=kernel_after,
        kernel_text=reading.limits_text or "",
        file_before=file_before,
        file_after=file_after,
        file_sum=reading.file_sum,
        usage=[row for row in parse_stats(reading.stats_text) if wish.concerns_uid(int(str(row["uid"])))],
    )


def _desired(wish: Wish, current: Table, reading: Reading, path: str) -> Table:
    try:
        return wish.desired(current, reading.ram, names_of(reading))
    except SizeError as exc:
        raise TaskError(_sentence(str(exc))) from None
    except LimitsError as exc:
        raise TaskError(f"{exc} (in {path} on this host).") from None
