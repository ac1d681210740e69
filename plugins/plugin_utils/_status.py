# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state of a fleet: a row for each host, made of what two tasks of C(playbooks/status.yml) registered.

A row has plain values only, so that it is also what C(status_format=json) writes. All text in it is printable: what a
device says can neither move the cursor of a terminal nor turn the direction of a page's text. It is not escaped for any
format; whatever prints rows does that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import describe_size

Row = dict[str, Any]

# From the worst to the best. Errors and warnings need attention, a note is worth knowing.
SEVERITIES = ("error", "warning", "note", "ok")
ATTENTION = ("error", "warning")

# So much of its limit a user may use before it is noted.
NEAR_LIMIT = 0.9
# So many of each kind are kept, the most important first; the others are counted.
KEPT_USERS = 8
KEPT_DRIFT = 8
KEPT_KILLS = 5
# So long a text of a device is kept.
KEPT_TEXT = 400
# A lock that is older than this has most likely been left behind.
STALE_LOCK_SECONDS = 3600

FAILED_OUTCOMES = ("failed", "rolled_back")


def make_row(host: str, survey: object, info: object) -> Row:
    """The row of a host, from the results that are registered for it.

    I(survey) is that of C(device_program), I(info) that of C(uid_mem_info). Either may be missing or a failure: then
    the row says so, and has what the other one knows.
    """
    asked, read = _mapping(survey), _mapping(info)
    said = {str(name): _text(value) for name, value in _mapping(asked.get("said")).items()}
    row: Row = {
        "host": _text(host),
        "reachable": not asked.get("unreachable") and not read.get("unreachable") and bool(asked or read),
        **_kernel_values(said, read),
        **_limit_values(read),
        **_drift_values(read),
        **_kill_values(read),
        "last_rollout": _rollout(said),
        "uptime_seconds": _int(said.get("uptime_seconds")),
        "lock_owner": said.get("lock_owner", ""),
        "lock_age_seconds": _int(said.get("lock_age_seconds")),
    }
    row["findings"] = sorted(_findings(row, said, asked, read), key=lambda found: _rank(found["severity"]))
    row["severity"] = row["findings"][0]["severity"] if row["findings"] else "ok"
    return row


def sort_rows(rows: Iterable[Row]) -> list[Row]:
    """What needs attention first, of it what is unreachable; then by name, in which numbers count as such."""
    return sorted(rows, key=lambda row: (_rank(row["severity"]), row["reachable"], _natural(row["host"])))


def summarize(rows: list[Row]) -> dict[str, Any]:
    """The fleet in a few numbers."""
    reachable = [row for row in rows if row["reachable"]]
    return {
        "hosts": len(rows),
        "reachable": len(reachable),
        "unreachable": len(rows) - len(reachable),
        "attention": sum(row["severity"] in ATTENTION for row in rows),
        "errors": sum(row["severity"] == "error" for row in rows),
        "limits": sum(row["limits"] or 0 for row in rows),
        "drifted": sum(bool(row["file_drift"] or row["inventory_drift"]) for row in rows),
        "kills": sum(row["kills"] or 0 for row in rows),
        "waiting": sum(bool(row["waiting"]) for row in rows),
        "kernels": Counter(row["kernel"] for row in rows if row["kernel"]).most_common(),
    }


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity)


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"([0-9]+)", text, flags=re.ASCII)
    ]


# --- values


def _kernel_values(said: Mapping[str, str], read: Mapping[str, Any]) -> dict[str, Any]:
    running = said.get("running") or _text(read.get("kernel", ""))
    engine = said.get("engine", "")
    if "loaded" in read:
        engine = _text(_mapping(read.get("features")).get("engine", "")) if read["loaded"] else "none"
    return {
        "kernel": running,
        "arch": said.get("arch", ""),
        "os": " ".join(part for part in (said.get("os_id", ""), said.get("os_version", "")) if part),
        "engine": engine,
        "default": said.get("default_release", ""),
        "previous": said.get("previous_release", ""),
        "trial": said.get("trial_release", ""),
        "waiting": _waiting(said, running),
        "reboot_required": said.get("reboot_required") == "yes",
    }


def _waiting(said: Mapping[str, str], running: str) -> str:
    """The newest kernel of the distribution that is installed, where it is newer than what the host runs.

    Where the host runs a kernel that the role brought, their releases cannot be compared. There it waits when it came
    after the rollout: that one made the distribution's kernel of that time the previous one.
    """
    newest = said.get("newest_distribution_release", "")
    if not newest or newest in (running, said.get("default_release"), said.get("previous_release")):
        return ""
    brought = [kernel.split(":", 1)[0] for kernel in said.get("kernels", "").split()]
    return newest if running in brought or _natural(newest) > _natural(running) else ""


def _limit_values(read: Mapping[str, Any]) -> dict[str, Any]:
    limits = read.get("limits")
    users = [_user(_mapping(line)) for line in _sequence(read.get("stats"))]
    users.sort(key=lambda user: (-(user["share"] or 0), -user["usage"], _natural(user["uid"])))
    return {
        "loaded": bool(read.get("loaded")) if "loaded" in read else None,
        "limits": len(limits) if isinstance(limits, (list, tuple)) else None,
        "users": users[:KEPT_USERS],
        "users_omitted": max(0, len(users) - KEPT_USERS),
        "users_near_limit": sum((user["share"] or 0) >= NEAR_LIMIT for user in users),
        "fullest": users[0]["share"] if users else None,
    }


def _user(line: Mapping[str, Any]) -> dict[str, Any]:
    usage, limit = _int(line.get("usage")) or 0, _int(line.get("max"))
    return {
        "uid": _text(line.get("uid", "")),
        "usage": usage,
        "max": limit,
        "share": round(usage / limit, 3) if limit else None,
        "processes": _int(line.get("procs")) or 0,
        "kills": _int(line.get("kills")) or 0,
    }


def _drift_values(read: Mapping[str, Any]) -> dict[str, Any]:
    from_file, from_inventory = read.get("drift"), read.get("desired_drift")
    texts = [_drift_text("file", _mapping(entry)) for entry in _sequence(from_file)]
    texts += [_drift_text("inventory", _mapping(entry)) for entry in _sequence(from_inventory)]
    return {
        "file_drift": len(_sequence(from_file)) if from_file is not None else None,
        "inventory_drift": len(_sequence(from_inventory)) if from_inventory is not None else None,
        "drift": texts[:KEPT_DRIFT],
        "drift_omitted": max(0, len(texts) - KEPT_DRIFT),
    }


def _drift_text(other: str, entry: Mapping[str, Any]) -> str:
    whose = _text(entry.get("user") or "") or f"UID {_text(entry.get('uid', ''))}"
    if entry.get("problem"):
        return f"{whose}: in the {other}, but {_text(entry['problem'])}"
    kernel = _limit_text(entry.get("kernel"))
    wanted = _limit_text(entry.get("file" if other == "file" else "desired"))
    if kernel == wanted:
        kernel, wanted = _limit_text(entry.get("kernel"), whole=True), _limit_text(_wanted(other, entry), whole=True)
    return f"{whose}: {kernel} in force, {wanted} in the {other}"


def _wanted(other: str, entry: Mapping[str, Any]) -> object:
    return entry.get("file" if other == "file" else "desired")


def _limit_text(limit: object, *, whole: bool = False) -> str:
    values = _mapping(limit)
    if not values:
        return "nothing"
    if values.get("charge_to"):
        return f"charged to UID {_text(values['charge_to'])}"
    size = describe_size(_int(values.get("max")))
    others = ", ".join(f"{_text(name)} {_text(value)}" for name, value in values.items() if name not in ("uid", "max"))
    return f"{size} ({others})" if whole and others else size


def _kill_values(read: Mapping[str, Any]) -> dict[str, Any]:
    """Kills of the last 24 hours: the age of an event is told by the clock that it has its time of."""
    if "events" not in read:
        known = read.get("loaded") is False
        return {"kills": 0 if known else None, "kills_at_least": False, "unkillable": 0, "last_kills": []}
    events = [_mapping(event) for event in _sequence(read["events"])]
    kills = [event for event in events if event.get("event") == "kill"]
    clock = _int(read.get("uptime_ns")) or 0
    return {
        "kills": len(kills),
        "kills_at_least": bool(_int(read.get("events_omitted")) or _int(read.get("events_lost"))),
        "unkillable": sum(event.get("event") == "unkillable" for event in events),
        "last_kills": [
            {
                "age_seconds": max(0, clock - (_int(event.get("ts")) or 0)) // 10**9,
                "uid": _text(event.get("uid", "")),
                "pid": _int(event.get("pid")),
                "comm": _text(event.get("comm", "")),
                "usage": _int(event.get("usage")),
                "max": _int(event.get("max")),
            }
            for event in reversed(kills[-KEPT_KILLS:])
        ],
    }


def _rollout(said: Mapping[str, str]) -> dict[str, Any] | None:
    """C(EPOCH OUTCOME RELEASE). The age is by the clock of the device, which has noted the time."""
    words = said.get("last_rollout", "").split()
    if len(words) < 2:
        return None
    began, now = _int(words[0]), _int(said.get("now_epoch"))
    return {
        "age_seconds": None if began is None or now is None else max(0, now - began),
        "outcome": words[1],
        "release": " ".join(words[2:]),
    }


# --- findings


def _finding(severity: str, text: str) -> dict[str, str]:
    return {"severity": severity, "text": _text(text)}


def _findings(
    row: Row, said: Mapping[str, str], asked: Mapping[str, Any], read: Mapping[str, Any]
) -> list[dict[str, str]]:
    if not row["reachable"]:
        failure = asked if asked.get("unreachable") or not read else read
        return [_finding("error", _reason(failure))]
    found = [
        _finding("error", f"{what}: {_reason(result)}")
        for what, result in (("kernels cannot be read", asked), ("limits cannot be read", read))
        if result.get("failed")
    ]
    return found + _kernel_findings(row, said) + _limit_findings(row, read)


def _reason(result: Mapping[str, Any]) -> str:
    """What Ansible says; newer versions put words in front that say nothing."""
    return _text(result.get("msg") or "").strip().removeprefix("Task failed: ") or "no answer"


def _kernel_findings(row: Row, said: Mapping[str, str]) -> list[dict[str, str]]:
    found = []
    rollout = row["last_rollout"]
    if rollout and rollout["outcome"] in FAILED_OUTCOMES:
        what = "failed" if rollout["outcome"] == "failed" else "was rolled back"
        found.append(_finding("error" if what == "failed" else "note", f"last rollout {what}: {rollout['release']}"))
    if row["trial"] and row["trial"] == row["kernel"]:
        found.append(_finding("warning", f"{row['trial']} runs on trial"))
    elif row["trial"]:
        found.append(_finding("warning", f"{row['trial']} is to be tried at the next boot"))
    elif row["default"] and row["kernel"] and row["default"] != row["kernel"]:
        found.append(_finding("warning", f"runs {row['kernel']}, the default is {row['default']}"))
    elif row["reboot_required"]:
        found.append(_finding("warning", "waits for a reboot"))
    if row["lock_owner"]:
        stale = (row["lock_age_seconds"] or 0) >= STALE_LOCK_SECONDS
        since = describe_age(row["lock_age_seconds"])
        found.append(_finding("warning" if stale else "note", f"locked by {row['lock_owner']} for {since}"))
    if said.get("failed"):
        releases = ", ".join(kernel.split(":", 1)[0] for kernel in said["failed"].split())
        found.append(_finding("note", f"failed a trial here: {releases}"))
    if row["waiting"]:
        found.append(_finding("note", f"newer distribution kernel waits: {row['waiting']}"))
    return found


def _limit_findings(row: Row, read: Mapping[str, Any]) -> list[dict[str, str]]:
    found = []
    if row["loaded"] is False:
        declared = bool(row["file_drift"] or row["inventory_drift"])
        severity = "error" if declared else "warning"
        what = "declared limits are not enforced" if declared else "no limit can be enforced"
        found.append(_finding(severity, f"module uid_mem is not loaded, {what}"))
    else:
        for name, other in (("file_drift", "limits file"), ("inventory_drift", "inventory")):
            if row[name]:
                entries = "entry differs" if row[name] == 1 else "entries differ"
                found.append(_finding("warning", f"{row[name]} {entries} from the {other}"))
    if read.get("file_error"):
        found.append(_finding("warning", _text(read["file_error"])))
    if row["unkillable"]:
        found.append(_finding("warning", "a user was above the limit and had no process that may be killed"))
    if row["users_near_limit"]:
        users = "1 user is" if row["users_near_limit"] == 1 else f"{row['users_near_limit']} users are"
        found.append(_finding("note", f"{users} at {NEAR_LIMIT:.0%} of the limit or above"))
    return found


# --- plain values of whatever was registered


def describe_age(seconds: int | None) -> str:
    """A time in the largest unit of which it has two, or one where it has no smaller."""
    if seconds is None:
        return "unknown time"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and unit == "min"):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _text(value: object) -> str:
    """Printable text: other characters are written as their code, and a long one is cut."""
    text = str(value)
    cut = text if len(text) <= KEPT_TEXT else text[: KEPT_TEXT - 1] + "…"
    words = cut.replace("\r\n", "\n").replace("\n", " ")
    return words if words.isprintable() else "".join(map(_printable, words))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    # Ansible carries bytes that are not UTF-8 as surrogates.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\x{code:02x}"


def _int(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
