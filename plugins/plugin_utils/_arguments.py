# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task declares, from its arguments.

Arguments become C(TaskParameters), which need no device to be checked. Only on a device do names of users and groups,
shares of the RAM and names of policies mean something: there they become the C(DesiredState).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import (
    LIMIT_SPEC,
    TASK_SPEC,
    UID_MEM_LIMIT,
    WHOSE,
    Spec,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    Limit,
    LimitsError,
    Table,
    Uids,
    Vocabulary,
    merged,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import (
    Size,
    SizeError,
    parse_grace,
    parse_period,
    parse_size,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import (
    HostUsers,
    UserError,
    parse_group,
    parse_user,
    user_id,
)

EXAMPLE_PATH = "/etc/uid_mem/limits"

# What an item may have beside charge_to.
_BESIDE_CHARGE_TO = frozenset({"uid", "user", "group", "charge_to", "state", *TASK_SPEC})
# What results have beside uid. It says the same, so an entry of a result can be declared as it is.
_ONLY_RETURNED = frozenset({"uid_first", "uid_last"})
# A message names so many bad items, and the number of the others.
NAMED = 20

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
        if self.metric == "footprint" and self.metric not in names.metrics:
            raise LimitsError(errno.EINVAL, f"metric: '{self.metric}' {names.why_no_footprint()}")
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
    """One limit of a task: whose it is (C(uids), I(user) or each member of I(group)), and what, None for none.

    I(item) is its number in C(limits), from 1; 0 where the task is for this one only. With I(subordinate), it is also
    for the subordinate UIDs of its UIDs.
    """

    item: int
    uids: Uids | None
    user: str
    declaration: Declaration | Charge | None
    subordinate: bool = False
    group: str = ""

    def place(self) -> str:
        """The beginning of a message about it."""
        return _place(self.item, str(self.uids) if self.uids else "", self.user, self.group)

    def uids_on(self, users: HostUsers) -> list[Uids]:
        """Whose limit it is on a device that knows those users. A group may have no members."""
        if self.uids:
            return [self.uids]
        if self.group:
            return [Uids(uid, uid) for uid in users.members_of(self.group)]
        uid = user_id(self.user, users.uids[self.user])
        return [Uids(uid, uid)]

    def charges_on(self, whose: Uids, users: HostUsers) -> list[Limit]:
        """The entries that charge the subordinate UIDs of I(whose), one of its UIDs, to those they belong to."""
        if not self.subordinate or self.declaration is None:
            return []
        charges = [Limit(uids, None, charge_to=payer) for payer, uids in users.subordinate_of(whose)]
        if not charges and whose.first == whose.last and not self.group:
            name = f"user: '{self.user}' (UID {whose})" if self.user else f"uid: {whose}"
            raise UserError(
                f"{name} has no subordinate UIDs in /etc/subuid on this host;"
                " add some with 'usermod --add-subuids FIRST-LAST NAME', or leave out subordinate"
            )
        for charge in charges:
            charge.check()
        return charges


@dataclass(frozen=True)
class TaskParameters:
    """All that a task says. C(path) is empty where it is the one that the device has."""

    entries: tuple[Entry, ...]
    purge: bool
    persist: bool
    runtime: bool
    below_usage: str
    path: str
    return_all: bool = False
    period_s: int = 0

    @property
    def users(self) -> tuple[str, ...]:
        """The names of users that the device has to look up."""
        return users_in(self.entries)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose members the device has to look up."""
        return groups_in(self.entries)

    @property
    def subordinate(self) -> bool:
        """Whether the device has to tell of subordinate UIDs."""
        return wants_subordinate(self.entries)

    def desired_state(self, users: HostUsers, ram: int | None, names: Vocabulary) -> DesiredState:
        """The same on a device with those users, that much RAM, and a kernel that knows those names."""
        problems = Problems()
        targets = find_targets(self.entries, users, problems)
        problems.refuse()
        declared: dict[Uids, Limit] = {}
        removed: set[Uids] = set()
        for who, entry in targets.items():
            if entry.declaration is None:
                removed.add(who)
                continue
            with problems.noted():
                declared[who] = _at(entry.place(), entry.declaration.limit, who, ram, names)
        for who, entry in targets.items():
            with problems.noted():
                for charge in _at(entry.place(), entry.charges_on, who, users):
                    if charge.uids in removed or declared.get(charge.uids, charge) != charge:
                        raise TaskError(
                            f"{entry.place()}/etc/subuid on this host has {charge.uids} for UID {charge.charge_to},"
                            " and these are the UIDs of another limit of the task, or also another user's."
                        )
                    declared[charge.uids] = charge
        problems.refuse()
        owners = Owners.of(who for who, entry in targets.items() if entry.subordinate)
        empty = [group for group in self.groups if not users.members_of(group)]
        warnings = [f"The group '{group}' has no members on this host, so that nobody is limited." for group in empty]
        return DesiredState(declared, frozenset(removed), self.purge, owners, warnings)


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
class DesiredState:
    """What shall be there, what shall not, and whether anything else may."""

    declared: Mapping[Uids, Limit]
    removed: frozenset[Uids]
    purge: bool
    owners: Owners = Owners()
    warnings: Sequence[str] = ()

    def concerns(self, limit: Limit) -> bool:
        """Whether an entry is one the task speaks of."""
        uids = limit.uids
        return self.purge or uids in self.declared or uids in self.removed or self.owners.own(limit)

    def ranges(self) -> list[Uids]:
        """All UIDs the task speaks of, as ranges without a UID in common, in their order."""
        return merged((*self.declared, *self.removed))

    def table(self, current: Table) -> Table:
        """The table that shall be, from the one that is."""
        kept = {who: limit for who, limit in current.entries.items() if not self.concerns(limit)}
        table = Table({**kept, **self.declared})
        table.check()
        return table


class Problems:
    """What is wrong with the items of a list, to be told together."""

    def __init__(self) -> None:
        self._messages: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Go on after a TaskError, which is kept."""
        try:
            yield
        except TaskError as exc:
            self._messages.append(str(exc))

    def refuse(self) -> None:
        """Raise a TaskError with the first of them, and the number of the others."""
        more = len(self._messages) - NAMED
        if self._messages:
            raise TaskError(" ".join(self._messages[:NAMED]) + (f" And {more} more like these." if more > 0 else ""))


def find_targets(entries: Iterable[Entry], users: HostUsers, problems: Problems) -> dict[Uids, Entry]:
    """The entry that counts for each UID or range on a device that knows those users.

    An entry for a UID, a range or a user beats one for a group; of two groups that have a member in common, the one
    that is listed last counts.
    """
    of_groups: dict[Uids, Entry] = {}
    named: list[tuple[Uids, Entry]] = []
    for entry in entries:
        with problems.noted():
            uids = _at(entry.place(), entry.uids_on, users)
            if entry.group:
                # At the end, also where the UID is there already.
                for who in uids:
                    of_groups.pop(who, None)
                of_groups.update(dict.fromkeys(uids, entry))
            else:
                named += [(who, entry) for who in uids]
    with problems.noted():
        _refuse_twice(named)
    return {**of_groups, **dict(named)}


def parse_arguments(arguments: Mapping[str, object], defaults: Collection[str] = ()) -> TaskParameters:
    """What a task declares, or a TaskError that says what to write instead.

    I(defaults) are the options that C(module_defaults) has set. One that cannot be given beside what the task says
    itself does not count.
    """
    arguments = plain(arguments)
    given = _without_none({name: value for name, value in arguments.items() if name not in _ONLY_RETURNED})
    own = {name: value for name, value in given.items() if name not in defaults}
    if any(name in own for name in WHOSE):
        given = {name: value for name, value in given.items() if name in own or name not in WHOSE}
    item_defaults: dict[str, object] = {}
    if "limits" in given:
        item_defaults = {name: value for name, value in given.items() if name in LIMIT_SPEC and name not in WHOSE}
    else:
        own_limit = {name: value for name, value in given.items() if name in own or name not in LIMIT_SPEC}
        given = _with_defaults(own_limit, {name: value for name, value in given.items() if name not in own_limit})
        if "purge" not in own:
            given.pop("purge", None)
    values = validated(_TASK, given, "this module")
    _refuse_mixture(arguments, given)
    if values["purge"] and "limits" not in given:
        raise TaskError("purge: true needs limits, the list of all limits that shall be there.")
    if not values["persist"] and not values["runtime"]:
        raise TaskError("persist: false and runtime: false leave nothing to do; leave one of them out.")
    if values.get("for") is not None:
        _refuse_beside_for(values, own)
    items = values.get("limits")
    return TaskParameters(
        entries=_parse_entries(values, given, 0) if items is None else parse_items(items, item_defaults),
        purge=values["purge"],
        persist=values["persist"] and values.get("for") is None,
        period_s=0 if values.get("for") is None else _at("", parse_period, values["for"]),
        runtime=values["runtime"],
        below_usage=values["below_usage"],
        path=parse_path(values["path"]) if values.get("path") is not None else "",
        return_all=values["return_all"],
    )


def _refuse_beside_for(values: Mapping[str, Any], own: Mapping[str, object]) -> None:
    if values["purge"]:
        raise TaskError("for cannot be given beside purge: true; list the limits that are for a while.")
    if not values["runtime"]:
        raise TaskError("for cannot be given beside runtime: false; it is about the running kernel.")
    if "persist" in own and values["persist"]:
        raise TaskError("for cannot be given beside persist: true; the limits file has what is back afterwards.")


def _with_defaults(own: Mapping[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """The options of a limit, and those of I(defaults) that can be given beside them."""
    if "charge_to" in own:
        defaults = {name: value for name, value in defaults.items() if name in _BESIDE_CHARGE_TO}
    elif any(name not in _BESIDE_CHARGE_TO for name in own):
        defaults = {name: value for name, value in defaults.items() if name != "charge_to"}
    return {**defaults, **own}


def parse_items(items: Iterable[object], defaults: Mapping[str, object] | None = None) -> tuple[Entry, ...]:
    """The items of C(limits), or a TaskError that names those that are wrong."""
    entries: list[Entry] = []
    problems = Problems()
    for number, item in enumerate(items, 1):
        with problems.noted():
            entries += _parse_item(number, item, defaults or {})
    problems.refuse()
    _refuse_twice((entry.uids, entry) for entry in entries if entry.uids)
    return tuple(entries)


def users_in(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The names of users that a device has to look up."""
    return tuple(dict.fromkeys(entry.user for entry in entries if entry.user))


def groups_in(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The names of groups that a device has to look up."""
    return tuple(dict.fromkeys(entry.group for entry in entries if entry.group))


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


def make_validator(spec: Spec) -> Any:
    """What checks arguments against a specification as Ansible has them."""
    validator: Any = ArgumentSpecValidator
    return validator(spec)


# The items of limits are looked at one by one, so that a message can name the one that is wrong.
_TASK = make_validator({**UID_MEM_LIMIT, "limits": {"type": "list"}})
_ITEM = make_validator(LIMIT_SPEC)


def validated(validator: Any, arguments: Mapping[str, object], whose: str) -> dict[str, Any]:
    """The arguments with defaults, or a TaskError. One that is None counts as left out."""
    result = validator.validate(_without_none(arguments))
    if result.error_messages:
        raise TaskError(_sentence("; ".join(_polish(message, whose) for message in result.error_messages)))
    values: dict[str, Any] = result.validated_parameters
    return values


_ITEM_DEFAULTS = {name: option.get("default") for name, option in LIMIT_SPEC.items()}
# Options whose values need no conversion if they are of that type; those of other types (lists) go to the validator.
_TYPES = {"raw": object, "str": str, "bool": bool}


def _is_valid(name: str, value: object) -> bool:
    """Whether the validator would take this option of an item as it is."""
    option = LIMIT_SPEC.get(name, {})
    wanted = _TYPES.get(option.get("type", ""))
    return wanted is not None and isinstance(value, wanted) and value in option.get("choices", [value])


def _validated_item(item: Mapping[str, object]) -> dict[str, Any]:
    """The same as C(validated), which takes some 0.1 ms: most items do not need it."""
    if all(_is_valid(name, value) for name, value in item.items()):
        return {**_ITEM_DEFAULTS, **item}
    return validated(_ITEM, item, "an item")


def _without_none(arguments: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in arguments.items() if value is not None}


def _refuse_mixture(arguments: Mapping[str, object], given: Mapping[str, object]) -> None:
    whose = [name for name in WHOSE if name in given]
    if not whose and "limits" in arguments:
        raise TaskError("limits is null, no list. Is the variable empty? An empty list is written [].")
    if not whose:
        raise TaskError("one of uid, user, group and limits is required.")
    if len(whose) > 1:
        raise TaskError(f"{' and '.join(whose)} exclude each other; give one of them.")


def _parse_item(number: int, item: object, defaults: Mapping[str, object]) -> tuple[Entry, ...]:
    if not isinstance(item, Mapping):
        raise TaskError(
            f"item {number} of limits: {_excerpt(item)} is no dictionary; write one like {{uid: 1000, max: 2G}}."
        )
    given = _without_none({name: value for name, value in item.items() if name not in _ONLY_RETURNED})
    place = _place(number, str(given.get("uid", "")), str(given.get("user", "")))
    given = _with_defaults(given, defaults)
    try:
        values = _validated_item(given)
        whose = [name for name in WHOSE if name in given]
        if len(whose) != 1:
            several = f"{' and '.join(whose)} exclude each other."
            raise TaskError(several if whose else "one of uid, user and group is required.")
    except TaskError as exc:
        raise TaskError(f"{place}{exc}") from None
    return _parse_entries(values, given, number)


def _parse_entries(values: Mapping[str, Any], given: Mapping[str, object], number: int) -> tuple[Entry, ...]:
    """The entry of an item; for several groups, one for each."""
    place = _place(number, str(values.get("uid") or ""), values.get("user") or "", ", ".join(values.get("group") or ()))
    charged = values.get("charge_to") is not None
    if values["state"] == "present" and values.get("max") is None and not charged:
        raise TaskError(f"{place}max is missing; write the limit (100M), or state: absent.")
    beside = [name for name in given if name not in _BESIDE_CHARGE_TO]
    if charged and beside:
        raise TaskError(
            f"{place}{', '.join(beside)} cannot be given beside charge_to; what counts is the limit of that UID."
        )
    declaration: Declaration | Charge | None = None
    if charged:
        declaration = _at(place, _parse_charge, values["charge_to"])
    elif values.get("max") is not None:
        declaration = _at(place, _parse_declaration, values)
    if values["state"] == "absent":
        declaration = None
    uids, user, groups = None, "", [""]
    if values.get("uid") is not None:
        uids = _at(place, parse_uids, values["uid"])
    elif values.get("user") is not None:
        user = _at(place, parse_user, values["user"])
    else:
        groups = [_at(place, parse_group, group) for group in values["group"]]
    return tuple(Entry(number, uids, user, declaration, values["subordinate"], group) for group in groups)


def _place(number: int, uid: str, user: str, group: str = "") -> str:
    if not number:
        return ""
    whose = f" (uid {uid})" if uid else f" (user {user})" if user else f" (group {group})" if group else ""
    return f"item {number} of limits{whose}: "


def _excerpt(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


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
