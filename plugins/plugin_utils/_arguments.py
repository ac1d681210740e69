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
    KNOWN,
    MODES,
    Limit,
    LimitsError,
    Table,
    Uids,
    Vocabulary,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import Size, SizeError, parse_grace, parse_size
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import HostUsers, UserError, parse_user, user_id

EXAMPLE_PATH = "/etc/uid_mem/limits"

# A limit: options of the task, or of an item of limits.
LIMIT_SPEC: dict[str, dict[str, object]] = {
    "uid": {"type": "raw"},
    "user": {"type": "str"},
    "max": {"type": "raw"},
    "high": {"type": "raw", "default": "max"},
    "on_high": {"type": "str", "default": "event", "choices": list(KNOWN.on_high)},
    "policy": {"type": "str", "default": "default"},
    "metric": {"type": "str", "default": "rss", "choices": ["rss", "anon"]},
    "grace": {"type": "raw", "default": 0},
    "mode": {"type": "str", "default": "enforce", "choices": list(MODES)},
    "subordinate": {"type": "bool", "default": False},
    "charge_to": {"type": "raw"},
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

# What an item may have beside charge_to.
_BESIDE_CHARGE_TO = frozenset({"uid", "user", "charge_to", "state", *TASK_SPEC})

_T = TypeVar("_T")


class TaskError(ValueError):
    """Arguments that cannot be meant, or a file that cannot be used; the message names the way out."""


@dataclass(frozen=True)
class Declaration:
    """What a limit shall be; a size may still be a share of a RAM that is not known yet."""

    max: Size
    high: Size
    on_high: str
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
        # A module without the key does what is the default.
        if self.on_high not in (names.on_high or ("event",)):
            raise LimitsError(errno.EINVAL, f"on_high: '{self.on_high}' {names.why_no_on_high()}")
        limit = Limit(
            uids=uids,
            max=self.max.resolve(ram, name="max"),
            high=self.high.resolve(ram, name="high", minimum=1),
            on_high=self.on_high,
            policy=self.policy,
            metric=self.metric,
            grace_ms=self.grace_ms,
            mode=self.mode,
        )
        limit.check()
        return limit


@dataclass(frozen=True)
class Charge:
    """A UID whose budget is to be used."""

    to: int

    def limit(self, uids: Uids, ram: int | None, names: Vocabulary) -> Limit:
        """The entry, which is the same on any device."""
        limit = Limit(uids, None, charge_to=self.to)
        limit.check()
        return limit


@dataclass(frozen=True)
class Entry:
    """One limit of a task: whose it is (I(user) where C(uids) is None), and what, None for none.

    I(item) is its number in C(limits), from 1; 0 where the task is for this one only. With I(subordinate), it is also
    for the subordinate UIDs of its UIDs.
    """

    item: int
    uids: Uids | None
    user: str
    declaration: Declaration | Charge | None
    subordinate: bool = False

    def place(self) -> str:
        """The beginning of a message about it."""
        return _place(self.item, str(self.uids) if self.uids else "", self.user)

    def uids_on(self, users: HostUsers) -> Uids:
        """Whose limit it is on a device that knows those users."""
        if self.uids:
            return self.uids
        uid = user_id(self.user, users.uids[self.user])
        return Uids(uid, uid)

    def charges_on(self, users: HostUsers) -> list[Limit]:
        """The entries that charge the subordinate UIDs to those they belong to, on a device that knows those users."""
        if not self.subordinate or self.declaration is None:
            return []
        whose = self.uids_on(users)
        charges = [Limit(uids, None, charge_to=payer) for payer, uids in users.subordinate_of(whose)]
        if not charges and whose.first == whose.last:
            name = f"user: '{self.user}' (UID {whose})" if self.user else f"uid: {whose}"
            raise UserError(
                f"{name} has no subordinate UIDs in /etc/subuid on this host;"
                " add some with 'usermod --add-subuids FIRST-LAST NAME', or leave out subordinate"
            )
        for charge in charges:
            charge.check()
        return charges


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
        return names_in(self.entries)

    @property
    def subordinate(self) -> bool:
        """Whether the device has to tell of subordinate UIDs."""
        return wants_subordinate(self.entries)

    def orders(self, users: HostUsers, ram: int | None, names: Vocabulary) -> Orders:
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
        for entry in self.entries:
            for charge in _at(entry.place(), entry.charges_on, users):
                if charge.uids in removed or declared.get(charge.uids, charge) != charge:
                    raise TaskError(
                        f"{entry.place()}/etc/subuid on this host has {charge.uids} for UID {charge.charge_to},"
                        " and these are the UIDs of another limit of the task, or also another user's."
                    )
                declared[charge.uids] = charge
        owners = [who for who, entry in zip(uids, self.entries, strict=True) if entry.subordinate]
        return Orders(declared, frozenset(removed), self.purge, Owners.of(owners))


@dataclass(frozen=True)
class Owners:
    """The UIDs whose subordinate UIDs a task speaks of."""

    uids: frozenset[int] = frozenset()
    ranges: tuple[Uids, ...] = ()

    @classmethod
    def of(cls, owners: Iterable[Uids]) -> Owners:
        """Those of single UIDs and of ranges."""
        owners = list(owners)
        single = frozenset(uids.first for uids in owners if uids.first == uids.last)
        return cls(single, tuple(uids for uids in owners if uids.first != uids.last))

    def own(self, limit: Limit) -> bool:
        """Whether an entry charges a range of UIDs to one of them. A single UID may be a second account."""
        payer = limit.charge_to
        if payer is None or limit.uids.first == limit.uids.last:
            return False
        return payer in self.uids or any(payer in uids for uids in self.ranges)


@dataclass(frozen=True)
class Orders:
    """What shall be there, what shall not, and whether anything else may."""

    declared: Mapping[Uids, Limit]
    removed: frozenset[Uids]
    purge: bool
    owners: Owners = Owners()

    def concerns(self, limit: Limit) -> bool:
        """Whether an entry is one the task speaks of."""
        uids = limit.uids
        return self.purge or uids in self.declared or uids in self.removed or self.owners.own(limit)

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
        kept = {who: limit for who, limit in current.entries.items() if not self.concerns(limit)}
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
        entries=(_parse_entry(values, given, 0),) if items is None else parse_items(items),
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


def names_in(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The names of users that a device has to look up."""
    return tuple(dict.fromkeys(entry.user for entry in entries if entry.uids is None))


def wants_subordinate(entries: Iterable[Entry]) -> bool:
    """Whether a device has to tell of subordinate UIDs."""
    return any(entry.subordinate and entry.declaration is not None for entry in entries)


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
    return _parse_entry(values, given, number)


def _parse_entry(values: Mapping[str, Any], given: Mapping[str, object], number: int) -> Entry:
    place = _place(number, str(values.get("uid") or ""), values.get("user") or "")
    charged = values.get("charge_to") is not None
    if values["state"] == "present" and values.get("max") is None and not charged:
        raise TaskError(f"{place}max is missing; write the limit (100M), or state: absent.")
    beside = [name for name in given if name not in _BESIDE_CHARGE_TO]
    if charged and beside:
        raise TaskError(
            f"{place}{', '.join(beside)} cannot be given beside charge_to; what counts is the limit of that UID."
        )
    uids = _at(place, parse_uids, values["uid"]) if values.get("uid") is not None else None
    user = "" if uids else _at(place, parse_user, values["user"])
    declaration: Declaration | Charge | None = None
    if charged:
        declaration = _at(place, _parse_charge, values["charge_to"])
    elif values.get("max") is not None:
        declaration = _at(place, _parse_declaration, values)
    return Entry(number, uids, user, declaration if values["state"] == "present" else None, values["subordinate"])


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


def _parse_charge(value: object) -> Charge:
    """The UID that C(charge_to) names."""
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]+", text, re.ASCII):
        raise LimitsError(errno.EINVAL, f"charge_to: {value!r} is not a UID (10070)")
    try:
        return Charge(Uids.parse(text).first)
    except LimitsError as exc:
        raise LimitsError(exc.code, f"charge_to: {exc.reason}") from None


def _parse_declaration(values: Mapping[str, object]) -> Declaration:
    limit, high = parse_size(values["max"], name="max"), parse_size(values["high"], name="high", minimum=1)
    on_high = str(values["on_high"])
    if high.percent is None:
        # With a share of the RAM as max, whether high is above it is not known yet.
        Limit(Uids(1, 1), limit.bytes if limit.percent is None else None, high.bytes, on_high).check()
    return Declaration(
        max=limit,
        high=high,
        on_high=on_high,
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
