# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sizes and times as people write them in a task.

A size is a number of bytes with an optional unit (C(100M), C(1.5G)), a share of the device's RAM (C(25%)), or C(max)
for no limit. The kernel's own grammar is narrower and lives in C(_limits).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

# Smallest limit the kernel accepts (ERANGE below), in bytes.
MIN_LIMIT = 1 << 20
# Largest size the kernel accepts, in bytes; 2^64 - 1 stands for "max" in it.
MAX_SIZE = (1 << 64) - 2
# Longest grace period the kernel accepts, in milliseconds.
MAX_GRACE_MS = 3_600_000

FORMS = (
    "write a number of bytes (104857600), a number with K, M, G or T (100M, 1.5G; powers of 1024),"
    " a share of the device's RAM (25%), or max for no limit"
)

_PERIOD = re.compile(r"([0-9]+)\s*(s|m|h|d)", re.ASCII)
_PERIOD_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Longest time that a limit may be for, in seconds.
MAX_PERIOD_S = 366 * 86400
# How other programs spell that there is no limit.
_NO_LIMIT = frozenset({"-1", "infinity", "inf", "none", "no", "unlimited", "nolimit", "off", "never"})
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%]*)", re.ASCII)
_GRACE = re.compile(r"([0-9]+)\s*(ms|s|m)", re.ASCII)
_GRACE_UNITS = {"ms": 1, "s": 1000, "m": 60_000}


class SizeError(ValueError):
    """A size or time that cannot be meant; the message says what to write instead."""


@dataclass(frozen=True)
class Size:
    """A parsed size: bytes, a share of the RAM that is yet to be resolved, or (neither) no limit."""

    text: str
    bytes: int | None = None
    percent: Fraction | None = None

    def resolve(self, ram: int | None, *, name: str = "max", minimum: int = MIN_LIMIT) -> int | None:
        """Bytes on a device with that much RAM (in bytes); None is no limit.

        A share is rounded down to whole MiB, because MemTotal moves by some KiB from one kernel to the next and the
        limit should not move with it.
        """
        if self.percent is None:
            return self.bytes
        if ram is None:
            raise SizeError(
                f"{name}: {self.text} is a share of the device's RAM, but the device does not tell how much it has"
            )
        share = int(ram * self.percent / 100)
        size = share - share % MIN_LIMIT
        if size < minimum:
            raise SizeError(
                f"{name}: {self.text} of this device's RAM ({describe_size(ram)}) is {share} bytes,"
                f" below the minimum of {describe_size(minimum)}"
            )
        return size


def parse_size(value: object, *, name: str = "max", minimum: int = MIN_LIMIT) -> Size:
    """The size that an argument of a task means. I(name) is the argument, for the messages."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise SizeError(f"{name}: {value!r} is not a size; {FORMS}")
    text = str(value).strip()
    if text == "max":
        return Size(text)
    match = _NUMBER.fullmatch(text)
    if not match:
        hint = "; did you mean max, for no limit?" if text.lower() in _NO_LIMIT else f"; {FORMS}"
        raise SizeError(f"{name}: {value!r} is not a size{hint}")
    number, unit = Fraction(match[1]), match[2].upper()
    if unit == "%":
        if not 0 < number <= 100:
            raise SizeError(f"{name}: {text} is not a share of the device's RAM; write more than 0% and at most 100%")
        return Size(text, percent=number)
    if unit not in UNITS:
        hint = f"; did you mean {match[1]}{unit[0]}?" if re.fullmatch("[KMGT](I|B|IB)", unit) else ""
        raise SizeError(f"{name}: {value!r} is not a size{hint or '; ' + FORMS}")
    if not unit and number.denominator != 1:
        raise SizeError(f"{name}: {text} bytes is not a whole number; did you mean {text}M or {text}G?")
    size = int(number * UNITS[unit])
    if size > MAX_SIZE:
        raise SizeError(f"{name}: {text} does not fit into 64 bits; write max for no limit")
    if size < minimum:
        raise SizeError(f"{name}: {_too_small(text, size, minimum)}")
    return Size(text, size)


def _too_small(text: str, size: int, minimum: int) -> str:
    amount = f"{size} bytes" if text == str(size) else f"{text} ({size} bytes)"
    # Few have 64 GiB, and many forget the letter.
    unit = "M" if size < UNITS["K"] << 6 else "K"
    hint = f"; did you mean {text}{unit}?" if size and text == str(size) else ""
    return f"{amount} is below the minimum of {describe_size(minimum)}{hint}"


def parse_grace(value: object, *, name: str = "grace") -> int:
    """A grace period in milliseconds, written C(0), C(500ms), C(2s) or C(1m)."""
    forms = "write 0, or a number with its unit: 500ms, 2s or 1m"
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise SizeError(f"{name}: {value!r} is not a time; {forms}")
    text = str(value).strip()
    if text == "0":
        return 0
    if text.isascii() and text.isdigit():
        raise SizeError(f"{name}: {text} has no unit; did you mean {text}ms or {text}s?")
    match = _GRACE.fullmatch(text)
    if not match:
        raise SizeError(f"{name}: {value!r} is not a time; {forms}")
    milliseconds = int(match[1]) * _GRACE_UNITS[match[2]]
    if milliseconds > MAX_GRACE_MS:
        raise SizeError(f"{name}: {text} is longer than the longest grace period, one hour (60m)")
    return milliseconds


def parse_period(value: object, *, name: str = "for") -> int:
    """A time in seconds, written C(90s), C(30m), C(2h) or C(1d)."""
    match = _PERIOD.fullmatch(str(value).strip())
    if not match:
        raise SizeError(f"{name}: {value!r} is not a time; write a number with its unit: 90s, 30m, 2h or 1d")
    seconds = int(match[1]) * _PERIOD_UNITS[match[2]]
    if not 1 <= seconds <= MAX_PERIOD_S:
        raise SizeError(f"{name}: {value} is not between one second and {MAX_PERIOD_S // 86400} days")
    return seconds


def format_size(size: int | None) -> str:
    """The shortest exact form that the kernel reads: C(100M), C(104857601), C(max)."""
    if size is None:
        return "max"
    for unit in ("T", "G", "M", "K"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


def describe_size(size: int | None) -> str:
    """A size for a message, with the unit spelled out."""
    if size is None:
        return "no limit"
    for unit in ("T", "G", "M", "K"):
        if size >= UNITS[unit]:
            amount = f"{size / UNITS[unit]:.1f}".removesuffix(".0")
            return f"{amount} {unit}iB"
    return f"{size} byte" if size == 1 else f"{size} bytes"
