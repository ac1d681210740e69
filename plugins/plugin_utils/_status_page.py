# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state of a fleet as one HTML page that needs nothing else.

Whatever is put into the template is escaped, unless it is marked as markup here: the style, the script, and the data of
the script. A Content-Security-Policy allows this style and this script by their hashes and nothing besides, so that
text that got through would still not be run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import describe_size
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import (
    NEAR_LIMIT,
    Row,
    describe_age,
    summarize,
)

# What stands in a row itself; the others are in its details.
SHOWN_USERS = 3
SHOWN_FINDINGS = 2
SHOWN_KERNELS = 4

STATES = {"error": "Error", "warning": "Warning", "note": "Note", "ok": "OK"}


def render_page(rows: list[Row], assets: Mapping[str, str], title: str, now: datetime | None = None) -> str:
    """The page; I(assets) are the texts of C(template), C(style) and C(script)."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        size=describe_size, age=describe_age, count=lambda number: f"{number:,}", bar=bar_width, state=state_name
    )
    style, script = assets["style"].strip(), assets["script"].strip()
    return environment.from_string(assets["template"]).render(
        title=title,
        time=now or datetime.now(timezone.utc),
        policy=content_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        data=script_data([_details(row) for row in rows]),
        rows=rows,
        summary=summarize(rows),
        near=NEAR_LIMIT,
        shown_users=SHOWN_USERS,
        shown_findings=SHOWN_FINDINGS,
        shown_kernels=SHOWN_KERNELS,
    )


def content_policy(style: str, script: str) -> str:
    """The policy that allows these two, and no request, image, frame, form or other code."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def script_data(data: object) -> Markup:
    """JSON for a script element, in which nothing can end that element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def state_name(row: Row) -> str:
    """The word for a row's state."""
    return STATES[row["severity"]] if row["reachable"] else "Unreachable"


def bar_width(share: float | None) -> str:
    """The width of a bar, which never leaves its frame."""
    return f"{min(1.0, max(0.0, share or 0.0)) * 100:.0f}%"


def _details(row: Row) -> list[Any]:
    """What the script sorts and filters by and shows on request, in the order that C(status.js) has."""
    last = row["last_rollout"] or {}
    return [
        [("error", "warning", "note", "ok").index(row["severity"]), int(row["reachable"])],
        [row["host"], row["kernel"], row["engine"], row["default"], row["previous"], row["waiting"]],
        [row["fullest"], row["limits"], row["file_drift"], row["inventory_drift"], row["kills"]],
        [last.get("age_seconds"), last.get("outcome", ""), last.get("release", "")],
        [row["arch"], row["os"], row["uptime_seconds"], row["trial"]],
        [[found["severity"], found["text"]] for found in row["findings"]],
        [[user["uid"], user["usage"], user["max"], user["processes"], user["kills"]] for user in row["users"]],
        row["users_omitted"],
        row["drift"],
        row["drift_omitted"],
        [[kill[name] for name in ("age_seconds", "uid", "comm", "usage", "max")] for kill in row["last_kills"]],
    ]
