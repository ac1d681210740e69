# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task declares, from its arguments.

Arguments become a C(Wish), which needs no device to be checked. On a device its names of users, shares of the RAM and
names of policies mean something: there it becomes C(Orders).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    MODES,
    Limit,
    LimitsError,
    Table,
    Uids,
    Vocabulary,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import Size, SizeError, parse_grace, parse_size
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import UserError, parse_user, user_id

EXAMPLE_PATH = "/etc/uid_mem/limits"

# A limit: options of the task, or of an item of limits.
LIMIT_SPEC: dict[str, dict[str, object]] = {
    "uid": {"type": "raw"},
    "user": {"type": "str"},
    "max": {"type": "raw"},
    "high": {"type": "raw", "default": "max"},
    "policy": {"type": "str", "default": "default"},
    "metric": {"type": "str", "default": "rss", "choices": ["rss", "anon"]},
    "grace": {"type": "raw", "default": 0},
    "mode": {"type": "str", "default": "enforce", "choices": list(MODES)},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
}
TASK_SPEC: dict[str, dict[str, object]] = {
    "purge": {"type": "bool", "default": False},
    "persist": {"type": "bool", "default": True},
    "runtime": {"type": "bool", "default": True},
    "below_usage": {"type": "str", "default": "warn", "choices": ["warn", "refuse", "ignore"]},
    "path": {"type": "str"},
}
ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    **LIMIT_SPEC,
    "limits": {"type": "list", "elements": "dict", "options": LIMIT_SPEC},
    **TASK_SPEC,
}

_T = TypeVar("_T")


class TaskError(ValueError):
    """Arguments that cannot be meant, or a file that cannot be used; the message names the way out."""


@dataclass(frozen=True)
class Declaration:
    """What a limit shall be; a size may still be a share of a RAM that is not known yet."""

    max: Size
    high: Size
    policy: str
    metric: str
    grace_ms: int
    mode: str

    def limit(self, uids: Uids, ram: int | None, names: Vocabulary) -> Limit:
        """The entry on a device with that much RAM and a kernel that knows those names."""
        for what, name, known in (("policy", self.policy, names.policies), ("metric", self.metric, names.metrics)):
            if name not in known:
                raise LimitsError(
                    errno.EINVAL,
                    f"{what}: '{name}' is unknown to the kernel of this host; it knows {', '.join(known)}",
                )
        limit = Limit(
            uids=uids,
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
class Entry:
    """One limit of a task: whose it is (I(user) where C(uids) is None), and what, None for none.

    I(item) is its number in C(limits), from 1; 0 where the task is for this one only.
    """

    item: int
    uids: Uids | None
    user: str
    declaration: Declaration | None

    def place(self) -> str:
        """The beginning of a message about it."""
        return _place(self.item, str(self.uids) if self.uids else "", self.user)

    def uids_on(self, users: Mapping[str, int | None]) -> Uids:
        """Whose limit it is on a device that knows those users."""
        if self.uids:
            return self.uids
        uid = user_id(self.user, users[self.user])
        return Uids(uid, uid)


@dataclass(frozen=True)
class Wish:
    """All that a task says. C(path) is empty where it is the one that the device has."""

    entries: tuple[Entry, ...]
    purge: bool
    persist: bool
    runtime: bool
    below_usage: str
    path: str

    @property
    def users(self) -> tuple[str, ...]:
        """The names that the device has to look up."""
        return tuple(dict.fromkeys(entry.user for entry in self.entries if entry.uids is None))

    def orders(self, users: Mapping[str, int | None], ram: int | None, names: Vocabulary) -> Orders:
        """The same on a device with those users, that much RAM, and a kernel that knows those names."""
        uids = [_at(entry.place(), entry.uids_on, users) for entry in self.entries]
        _refuse_twice(zip(uids, self.entries, strict=True))
        declared: dict[Uids, Limit] = {}
        removed: set[Uids] = set()
        for who, entry in zip(uids, self.entries, strict=True):
            if entry.declaration:
                declared[who] = _at(entry.place(), entry.declaration.limit, who, ram, names)
            else:
                removed.add(who)
        return Orders(declared, frozenset(removed), self.purge)


@dataclass(frozen=True)
class Orders:
    """What shall be there, what shall not, and whether anything else may."""

    declared: Mapping[Uids, Limit]
    removed: frozenset[Uids]
    purge: bool

    def concerns(self, uids: Uids) -> bool:
        """Whether the entry for exactly these UIDs is one the task speaks of."""
        return self.purge or uids in self.declared or uids in self.removed

    def ranges(self) -> list[Uids]:
        """All UIDs the task speaks of, as ranges without a UID in common, in their order."""
        merged: list[Uids] = []
        for uids in sorted((*self.declared, *self.removed), key=lambda uids: uids.order):
            if merged and uids.first <= merged[-1].last:
                merged[-1] = Uids(merged[-1].first, max(merged[-1].last, uids.last))
            else:
                merged.append(uids)
        return merged

    def desired(self, current: Table) -> Table:
        """The table that shall be, from the one that is."""
        kept = {} if self.purge else {who: limit for who, limit in current.entries.items() if who not in self.removed}
        table = Table({**kept, **self.declared})
        table.check()
        return table


def parse_arguments(arguments: Mapping[str, object]) -> Wish:
    """What a task declares, or a TaskError that says what to write instead."""
    arguments = plain(arguments)
    values = validated(_TASK, arguments, "this module")
    given = _without_none(arguments)
    _refuse_mixture(given)
    if values["purge"] and "limits" not in given:
        raise TaskError("purge: true needs limits, the list of all limits that shall be there.")
    if not values["persist"] and not values["runtime"]:
        raise TaskError("persist: false and runtime: false leave nothing to do; leave one of them out.")
    items = values.get("limits")
    return Wish(
        entries=(_parse_entry(values, 0),) if items is None else parse_items(items),
        purge=values["purge"],
        persist=values["persist"],
        runtime=values["runtime"],
        below_usage=values["below_usage"],
        path=parse_path(values["path"]) if values.get("path") is not None else "",
    )


def parse_items(items: Iterable[dict[str, object]]) -> tuple[Entry, ...]:
    """The items of C(limits), or a TaskError that names the one that is wrong."""
    entries = tuple(_parse_item(number, item) for number, item in enumerate(items, 1))
    _refuse_twice((entry.uids, entry) for entry in entries if entry.uids)
    return entries


def plain(value: Any) -> Any:
    """The same value made of Python's own types only.

    ansible-core 2.19 hands over containers that render what is in them when it is looked at, and scalars with tags; the
    copies that its validator makes of these take fifty times as long.
    """
    if isinstance(value, Mapping):
        return {plain(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    for scalar in (str, bool, int, float):
        if isinstance(value, scalar):
            return scalar(value)
    return value


def no_template(value: Any) -> Any:
    """The same value, which Ansible does not take for a template whatever is in it."""
    wrap: Any = wrap_var
    return wrap(value)


def make_validator(spec: dict[str, dict[str, object]]) -> Any:
    """What checks arguments against a specification as Ansible has them."""
    validator: Any = ArgumentSpecValidator
    return validator(spec)


# The items of limits are looked at one by one, so that a message can name the one that is wrong.
_TASK = make_validator({**ARGUMENT_SPEC, "limits": {"type": "list", "elements": "dict"}})
_ITEM = make_validator(LIMIT_SPEC)


def validated(validator: Any, arguments: Mapping[str, object], whose: str) -> dict[str, Any]:
    """The arguments with defaults, or a TaskError. One that is None counts as left out."""
    result = validator.validate(_without_none(arguments))
    if result.error_messages:
        raise TaskError(_sentence("; ".join(_polish(message, whose) for message in result.error_messages)))
    values: dict[str, Any] = result.validated_parameters
    return values


def _without_none(arguments: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in arguments.items() if value is not None}


def _refuse_mixture(given: Mapping[str, object]) -> None:
    whose = [name for name in ("uid", "user", "limits") if name in given]
    if not whose:
        raise TaskError("one of uid, user and limits is required.")
    if len(whose) > 1:
        raise TaskError(f"{' and '.join(whose)} exclude each other; give one of them.")
    beside = [name for name in LIMIT_SPEC if name in given]
    if whose == ["limits"] and beside:
        raise TaskError(f"{', '.join(beside)} cannot be given beside limits; each item of limits has its own.")


def _parse_item(number: int, item: dict[str, object]) -> Entry:
    given = _without_none(item)
    place = _place(number, str(given.get("uid", "")), str(given.get("user", "")))
    try:
        values = validated(_ITEM, given, "an item")
        whose = [name for name in ("uid", "user") if name in given]
        if len(whose) != 1:
            raise TaskError("uid and user exclude each other." if whose else "one of uid and user is required.")
    except TaskError as exc:
        raise TaskError(f"{place}{exc}") from None
    return _parse_entry(values, number)


def _parse_entry(values: Mapping[str, Any], number: int) -> Entry:
    place = _place(number, str(values.get("uid") or ""), values.get("user") or "")
    if values["state"] == "present" and values.get("max") is None:
        raise TaskError(f"{place}max is missing; write the limit (100M), or state: absent.")
    uids = _at(place, parse_uids, values["uid"]) if values.get("uid") is not None else None
    user = "" if uids else _at(place, parse_user, values["user"])
    declaration = _at(place, _parse_declaration, values) if values.get("max") is not None else None
    return Entry(number, uids, user, declaration if values["state"] == "present" else None)


def _place(number: int, uid: str, user: str) -> str:
    if not number:
        return ""
    whose = f" (uid {uid})" if uid else f" (user {user})" if user else ""
    return f"item {number} of limits{whose}: "


def _at(place: str, check: Callable[..., _T], *arguments: object) -> _T:
    """The result of a check, or its refusal with the place of what it was about."""
    try:
        return check(*arguments)
    except (SizeError, LimitsError, UserError) as exc:
        raise TaskError(_sentence(f"{place}{exc}")) from None


def _refuse_twice(entries: Iterable[tuple[Uids | None, Entry]]) -> None:
    seen: dict[Uids | None, Entry] = {}
    for uids, entry in entries:
        if uids in seen:
            raise TaskError(f"items {seen[uids].item} and {entry.item} of limits are both for UID {uids}.")
        seen[uids] = entry


def _sentence(message: str) -> str:
    return message if message.endswith("?") else f"{message}."


def _polish(message: str, whose: str) -> str:
    """The validator's message, which speaks of a module run by hand, for a task."""
    unknown = re.fullmatch(r"([^.]+)\. Supported parameters include: (.+)\.", message)
    return f"unknown argument {unknown[1]}; {whose} takes {unknown[2]}" if unknown else message


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
        hint = f"; did you mean user: {text}?" if re.fullmatch(r"[A-Za-z_][\w.-]*", text) else ""
        raise LimitsError(exc.code, f"uid: {exc.reason}{hint}") from None


def _parse_declaration(values: Mapping[str, object]) -> Declaration:
    limit, high = parse_size(values["max"], name="max"), parse_size(values["high"], name="high", minimum=1)
    if limit.percent is None and high.percent is None:
        Limit(Uids(1, 1), limit.bytes, high.bytes).check()
    return Declaration(
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
        raise TaskError(f"path: {path!r} is not the absolute path of a file; write one like {EXAMPLE_PATH}.")
    return path
