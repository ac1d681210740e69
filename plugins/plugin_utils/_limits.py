# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The grammar of C(/proc/uid_mem/limits) and of the limits file: read it, check it, print it.

This is the only parser of that grammar in Python; C(kernel/uid_mem) holds the only one in C. Both give the same answer,
error value included, to every case of C(tests/grammar/cases.txt).

The first fault decides: lines from first to last, in a line from left to right, then the line as a whole (C(max)
missing, C(high) above C(max), C(on_high) without C(high), C(charge_to) beside another key). When all lines are
well-formed they are applied in their order (nothing there to remove), and what they leave is checked as a whole
(overlap, charges that form a chain).

Text is C(str); bytes that are not UTF-8 are carried as surrogate escapes.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import (
    MAX_GRACE_MS,
    MAX_SIZE,
    MIN_LIMIT,
    UNITS,
    describe_size,
    format_size,
)

MIN_UID = 1
MAX_UID = (1 << 32) - 2  # 4294967295 is the kernel's "no such UID"
MAX_LINE = 256  # bytes, the newline not counted
MODES = ("enforce", "audit")
BLANKS = " \t"

_T = TypeVar("_T")

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_UIDS = re.compile(r"([0-9]+)(?:-([0-9]+))?", re.ASCII)
_SIZE = re.compile(r"([0-9]+)([KMGTkmgt]?)", re.ASCII)


class LimitsError(ValueError):
    """A line that is refused: the error value of the kernel, and the reason in words."""

    def __init__(self, code: int, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.line = line

    @property
    def name(self) -> str:
        """The error value as C(errno.h) spells it."""
        return errno.errorcode[self.code]

    def at(self, line: int) -> LimitsError:
        """The same, with the number of the line it was found in (from 1)."""
        return LimitsError(self.code, self.reason, line)


@dataclass(frozen=True)
class Vocabulary:
    """The names that a kernel knows, as its C(features) tells.

    C(on_high) is empty where its module is older than that key, and C(metrics) lacks C(footprint) where its module is
    older than that or its kernel does not count it. The version of the module is for messages.
    """

    policies: tuple[str, ...] = ("default", "highest_rss", "longest_run_time", "worst", "youngest")
    metrics: tuple[str, ...] = ("rss", "anon", "footprint")
    on_high: tuple[str, ...] = ("event", "term", "reclaim")
    module_version: str = ""

    def why_no_on_high(self) -> str:
        """Why a module does not take on_high, and the way out."""
        return (
            f"is unknown to the {self._module()} of this host, which is"
            " older than this collection; bring it to the version of this collection with the role"
            " devfleet.uid_mem.uid_mem, or leave out on_high"
        )

    def why_no_footprint(self) -> str:
        """Why a module does not take the metric footprint, and the way out."""
        return (
            f"is not counted by the {self._module()} of this host: the module is older than this collection, or the"
            " kernel has no kprobes (CONFIG_KPROBES); bring the module to the version of this collection with the role"
            " devfleet.uid_mem.uid_mem, or, on a kernel without kprobes, use the metric anon"
        )

    def _module(self) -> str:
        return f"module uid_mem {self.module_version or '(of unknown version)'}"


KNOWN = Vocabulary()


@dataclass(frozen=True)
class Uids:
    """One UID, or a range of them in which each gets the budget for itself."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Uids:
        """C(10070) or C(10000-19999)."""
        match = _UIDS.fullmatch(text)
        if not match:
            raise LimitsError(errno.EINVAL, f"'{text}' is neither a UID (10070) nor a range of UIDs (10000-19999)")
        first = _bounded_uid(match[1])
        last = first if match[2] is None else _bounded_uid(match[2])
        if first > last:
            raise LimitsError(errno.EINVAL, f"the range {text} ends before it starts; did you mean {last}-{first}?")
        return cls(first, last)

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __contains__(self, uid: int) -> bool:
        return self.first <= uid <= self.last

    def as_dict(self) -> dict[str, object]:
        """Their forms in a result: text, which may be that of a range, and numbers to compare and to sort by."""
        return {"uid": str(self), "uid_first": self.first, "uid_last": self.last}

    @property
    def order(self) -> tuple[int, int]:
        """Place in a printed table: by first UID, of two the wider first."""
        return (self.first, -self.last)


def merged(ranges: Iterable[Uids]) -> list[Uids]:
    """The same UIDs as ranges without a UID in common, in their order."""
    found: list[Uids] = []
    for uids in sorted(ranges, key=lambda uids: uids.order):
        if found and uids.first <= found[-1].last:
            found[-1] = Uids(found[-1].first, max(found[-1].last, uids.last))
        else:
            found.append(uids)
    return found


def _bounded_uid(digits: str) -> int:
    uid = int(digits) if len(digits) <= MAX_LINE else MAX_UID + 1
    if uid < MIN_UID:
        raise LimitsError(errno.ERANGE, "UID 0 (root) cannot be limited; UIDs go from 1 to 4294967294")
    if uid > MAX_UID:
        raise LimitsError(errno.ERANGE, f"UID {digits} does not exist; UIDs go from 1 to 4294967294")
    return uid


@dataclass(frozen=True)
class Limit:
    """One entry of the table. Sizes are bytes, None is no limit.

    Where I(charge_to) is a UID, the UIDs of the entry use its budget, and all else is as it is by default.
    """

    uids: Uids
    max: int | None
    high: int | None = None
    on_high: str = "event"
    policy: str = "default"
    metric: str = "rss"
    grace_ms: int = 0
    mode: str = "enforce"
    charge_to: int | None = None

    def check(self) -> None:
        """Raise what the kernel would say of the values together."""
        if self.high is not None and self.max is not None and self.high > self.max:
            raise LimitsError(
                errno.EINVAL,
                f"high ({describe_size(self.high)}) is above max ({describe_size(self.max)}); it may be at most max",
            )
        if self.on_high != "event" and self.high is None:
            raise LimitsError(
                errno.EINVAL, f"on_high={self.on_high} needs high, the usage above which it happens; give high as well"
            )
        if self.charge_to is not None and self.charge_to in self.uids:
            whose = "itself" if self.uids.first == self.uids.last else "one of its own UIDs"
            raise LimitsError(errno.EINVAL, f"{self.uids} is charged to {whose}; name another UID in charge_to")

    def line(self, names: Vocabulary = KNOWN) -> str:
        """The line as a kernel that knows those names prints it: every key, sizes in bytes."""
        if self.charge_to is not None:
            return f"{self.uids} charge_to={self.charge_to}"
        on_high = f" on_high={self.on_high}" if names.on_high else ""
        return (
            f"{self.uids} max={_size_in_bytes(self.max)} high={_size_in_bytes(self.high)}{on_high}"
            f" policy={self.policy} metric={self.metric} grace_ms={self.grace_ms} mode={self.mode}"
        )

    def short_line(self) -> str:
        """The same entry as it is written to a file: what differs from the defaults, sizes with their unit."""
        if self.charge_to is not None:
            return self.line()
        words = [str(self.uids), f"max={format_size(self.max)}"]
        if self.high is not None:
            words.append(f"high={format_size(self.high)}")
        default = Limit(self.uids, self.max)
        keys = ("on_high", "policy", "metric", "grace_ms", "mode")
        words += [f"{key}={getattr(self, key)}" for key in keys if getattr(self, key) != getattr(default, key)]
        return " ".join(words)

    def as_dict(self) -> dict[str, object]:
        """The entry with the names and forms of the module's options, and its UIDs as numbers."""
        if self.charge_to is not None:
            return {**self.uids.as_dict(), "charge_to": str(self.charge_to)}
        return {
            **self.uids.as_dict(),
            "max": "max" if self.max is None else self.max,
            "high": "max" if self.high is None else self.high,
            "on_high": self.on_high,
            "policy": self.policy,
            "metric": self.metric,
            "grace": f"{self.grace_ms}ms" if self.grace_ms else "0",
            "mode": self.mode,
        }


@dataclass(frozen=True)
class Removal:
    """A line C(!UIDS)."""

    uids: Uids


def _size_in_bytes(size: int | None) -> str:
    return "max" if size is None else str(size)


def _number(digits: str, bound: int, what: str) -> int:
    number = int(digits) if len(digits) <= MAX_LINE else bound + 1
    if number > bound:
        raise LimitsError(errno.ERANGE, f"{what} is too large")
    return number


def _parse_size(key: str, text: str, minimum: int, below: int) -> int | None:
    if text == "max":
        return None
    match = _SIZE.fullmatch(text)
    if not match:
        raise LimitsError(
            errno.EINVAL,
            f"{key}='{text}' is not a size; the kernel reads bytes, a whole number with K, M, G or T, or max",
        )
    size = _number(match[1], MAX_SIZE, f"{key}={text}") * UNITS[match[2].upper()]
    if size > MAX_SIZE:
        raise LimitsError(errno.ERANGE, f"{key}={text} does not fit into 64 bits")
    if size < minimum:
        raise LimitsError(below, f"{key}={text} is below the minimum of {describe_size(minimum)}")
    return size


def _parse_max(text: str, names: Vocabulary) -> int | None:
    return _parse_size("max", text, MIN_LIMIT, errno.ERANGE)


def _parse_high(text: str, names: Vocabulary) -> int | None:
    return _parse_size("high", text, 1, errno.EINVAL)


def _parse_on_high(text: str, names: Vocabulary) -> str:
    if not names.on_high:
        raise LimitsError(errno.EINVAL, f"on_high= {names.why_no_on_high()}")
    return _parse_name("on_high", text, names.on_high)


def _parse_metric(text: str, names: Vocabulary) -> str:
    if text == "footprint" and text not in names.metrics:
        raise LimitsError(errno.EINVAL, f"metric={text} {names.why_no_footprint()}")
    return _parse_name("metric", text, names.metrics)


def _parse_grace(text: str, names: Vocabulary) -> int:
    if not _DIGITS.fullmatch(text):
        raise LimitsError(errno.EINVAL, f"grace_ms='{text}' is not a number of milliseconds")
    return _number(text, MAX_GRACE_MS, f"grace_ms={text}")


def _parse_charge_to(text: str, names: Vocabulary) -> int:
    if not _DIGITS.fullmatch(text):
        raise LimitsError(errno.EINVAL, f"charge_to='{text}' is not a UID (10070)")
    return _bounded_uid(text)


def _parse_name(key: str, text: str, known: Iterable[str]) -> str:
    if text not in known:
        raise LimitsError(errno.EINVAL, f"{key}='{text}' is unknown; known are {', '.join(known)}")
    return text


_KEYS: dict[str, Callable[[str, Vocabulary], int | str | None]] = {
    "max": _parse_max,
    "high": _parse_high,
    "on_high": _parse_on_high,
    "policy": lambda text, names: _parse_name("policy", text, names.policies),
    "metric": _parse_metric,
    "grace_ms": _parse_grace,
    "mode": lambda text, names: _parse_name("mode", text, MODES),
    "charge_to": _parse_charge_to,
}


def parse_line(line: str, names: Vocabulary = KNOWN) -> Limit | Removal | None:
    """What one line (without its newline) declares; None for a blank line or a comment."""
    if len(line.encode("utf-8", "surrogateescape")) > MAX_LINE:
        raise LimitsError(errno.EINVAL, f"the line is longer than {MAX_LINE} bytes")
    words = [word for word in re.split(r"[ \t]+", line) if word]
    if not words or words[0].startswith("#"):
        return None
    try:
        return _parse_words(words, names)
    except LimitsError as exc:
        if exc.code == errno.EINVAL and line.endswith("\r"):
            reason = (
                "the line ends with a carriage return, as in files from DOS and Windows; save it with Unix line ends"
            )
            raise LimitsError(errno.EINVAL, reason) from None
        raise


def parse_lines(lines: Iterable[str], names: Vocabulary = KNOWN) -> list[Limit | Removal | None]:
    """What the lines declare, or the refusal of the first that is wrong, with its number."""
    return [_numbered(number, parse_line, line, names) for number, line in enumerate(lines, 1)]


def _parse_words(words: list[str], names: Vocabulary) -> Limit | Removal:
    if words[0].startswith("!"):
        removed = Uids.parse(words[0][1:])
        if words[1:]:
            raise LimitsError(errno.EINVAL, f"'{words[1]}' after the removal {words[0]}; a removal has no keys")
        return Removal(removed)
    return _parse_entry(Uids.parse(words[0]), words[1:], names)


def _parse_entry(uids: Uids, words: list[str], names: Vocabulary) -> Limit:
    values: dict[str, int | str | None] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in _KEYS:
            raise LimitsError(errno.EINVAL, f"'{word}' is not one of {', '.join(f'{key}=' for key in _KEYS)}")
        if key in values:
            raise LimitsError(errno.EINVAL, f"{key}= is given twice")
        values[key] = _KEYS[key](text, names)
    if "charge_to" in values and len(values) > 1:
        others = " and ".join(f"{key}=" for key in values if key != "charge_to")
        raise LimitsError(
            errno.EINVAL, f"{others} beside charge_to=, which stands alone: what counts is the limit of that UID"
        )
    if "max" not in values and "charge_to" not in values:
        raise LimitsError(errno.EINVAL, f"max= is missing for {uids}")
    limit = replace(Limit(uids, None), **values)  # type: ignore[arg-type]  # each key's parser gives its field's type
    limit.check()
    return limit


@dataclass
class Table:
    """The limits by their UIDs, with the rules the kernel keeps them by."""

    entries: dict[Uids, Limit] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, names: Vocabulary = KNOWN) -> Table:
        """The table that a text leaves when it is written to an empty one."""
        table = cls()
        table.apply(split_lines(text), names)
        return table

    def __iter__(self) -> Iterator[Limit]:
        return iter(sorted(self.entries.values(), key=lambda limit: limit.uids.order))

    def __len__(self) -> int:
        return len(self.entries)

    def copy(self) -> Table:
        """A table with the same entries."""
        return Table(dict(self.entries))

    def get(self, uids: Uids) -> Limit | None:
        """The entry for exactly these UIDs."""
        return self.entries.get(uids)

    def set(self, limit: Limit) -> None:
        """Declare an entry, in place of the one with the same UIDs."""
        self.entries[limit.uids] = limit

    def remove(self, uids: Uids) -> None:
        """Drop the entry with exactly these UIDs."""
        if uids not in self.entries:
            raise LimitsError(errno.ENOENT, f"there is no limit for {uids} to remove")
        del self.entries[uids]

    def overlap(self) -> tuple[Uids, Uids] | None:
        """Two entries that overlap while neither lies within the other, where there are such."""
        around: list[Uids] = []
        for uids in sorted(self.entries, key=lambda uids: uids.order):
            while around and around[-1].last < uids.first:
                around.pop()
            if around and around[-1].last < uids.last:
                return around[-1], uids
            around.append(uids)
        return None

    def effective(self, uids: Iterable[int]) -> Iterator[tuple[int, Limit | None]]:
        """The entry that counts for each UID, the narrowest around it, in the order of the UIDs."""
        limits = list(self)
        place = 0
        around: list[Limit] = []
        for uid in sorted(uids):
            while place < len(limits) and limits[place].uids.first <= uid:
                while around and around[-1].uids.last < limits[place].uids.first:
                    around.pop()
                around.append(limits[place])
                place += 1
            while around and around[-1].uids.last < uid:
                around.pop()
            yield uid, around[-1] if around else None

    def chain(self) -> tuple[Uids, Uids] | None:
        """An entry that is charged to a UID that another entry charges on, where there is such, and that other one."""
        charged = {limit.charge_to: limit.uids for limit in self if limit.charge_to is not None}
        for payer, limit in self.effective(charged) if charged else ():
            if limit and limit.charge_to is not None:
                return charged[payer], limit.uids
        return None

    def check(self) -> None:
        """Raise what the kernel would say of the entries together."""
        if pair := self.overlap():
            raise LimitsError(
                errno.EINVAL,
                f"{pair[0]} and {pair[1]} overlap and neither lies within the other;"
                " remove one of them, or choose a range inside or around the other",
            )
        if pair := self.chain():
            first, second = (self.entries[uids] for uids in pair)
            raise LimitsError(
                errno.EINVAL,
                f"{first.line()} and {second.line()} form a chain; charge {first.uids} to the UID that pays in the end",
            )

    def apply(self, lines: Iterable[str], names: Vocabulary = KNOWN) -> None:
        """All the lines in their order, or, where one is refused, none."""
        self.apply_parsed(parse_lines(lines, names))

    def apply_parsed(self, declared: Iterable[Limit | Removal | None]) -> None:
        """The same with lines that are read already."""
        after = self.copy()
        last_line: dict[Uids, int] = {}
        for number, line in enumerate(declared, 1):
            if isinstance(line, Limit):
                after.set(line)
                last_line[line.uids] = number
            elif line is not None:
                _numbered(number, after.remove, line.uids)
        if pair := after.overlap() or after.chain():
            _numbered(max(last_line.get(uids, 0) for uids in pair), after.check)
        self.entries = after.entries

    def text(self, names: Vocabulary = KNOWN) -> str:
        """The table as a kernel that knows those names prints it."""
        return "".join(f"{limit.line(names)}\n" for limit in self)


def _numbered(number: int, check: Callable[..., _T], *arguments: object) -> _T:
    """The result of a check, or its refusal with the number of the line."""
    try:
        return check(*arguments)
    except LimitsError as exc:
        raise exc.at(number) from None


def split_lines(text: str) -> list[str]:
    """The lines of a text at its newlines only; the last need not end with one."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]
