# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Made-up hosts for the status: what the two tasks of C(playbooks/status.yml) register for each.

C(python -m ansible_collections.devfleet.uid_mem.tests.unit.status_fleet 1000 PAGE) writes the page of that many.
"""

from __future__ import annotations

import random
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import Row, make_row, sort_rows
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status_page import render_page

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
ASSETS = {
    "template": (PLAYBOOKS / "templates" / "status.html.j2").read_text(),
    "style": (PLAYBOOKS / "files" / "status.css").read_text(),
    "script": (PLAYBOOKS / "files" / "status.js").read_text(),
}
NOW = datetime(2026, 11, 26, 21, 30, tzinfo=timezone.utc)
MIB = 1 << 20
OURS = "6.1.158-uidmem-0a1b2c3d"
OLDER = "6.1.153-uidmem-77aa21f0"
STOCK = "6.1.0-41-amd64"

UNREACHABLE = {"unreachable": True, "changed": False, "msg": "Failed to connect to the host via ssh: No route to host"}


def survey(**said: object) -> dict[str, Any]:
    """What device_program registers where it succeeds."""
    values = {
        "running": OURS,
        "arch": "x86_64",
        "os_id": "debian",
        "os_version": "12",
        "engine": "hooks",
        "patched": "yes",
        "default_release": OURS,
        "previous_release": STOCK,
        "trial_release": "",
        "kernels": f"{OURS}:0a1b2c3d:11:22",
        "settled": "yes",
        "failed": "",
        "lock_owner": "",
        "lock_age_seconds": "",
        "newest_distribution_release": STOCK,
        "reboot_required": "no",
        "last_rollout": f"1795000000 committed {OURS}",
        "uptime_seconds": "864000",
        "now_epoch": "1795728600",
        **said,
    }
    return {"changed": False, "failed": False, "rc": 0, "said": {name: str(value) for name, value in values.items()}}


def limit(uid: int | str, size: int) -> dict[str, Any]:
    return {
        "uid": str(uid),
        "max": size,
        "high": "max",
        "on_high": "event",
        "policy": "default",
        "metric": "rss",
        "grace": "0",
        "mode": "enforce",
    }


def usage(uid: int, used: int, size: int, *, kills: int = 0) -> dict[str, Any]:
    return {"uid": str(uid), "usage": used, "peak": used, "procs": 1 + uid % 7, "max": size, "kills": kills}


def kill(uid: int, ts: int, comm: str = "bloat") -> dict[str, Any]:
    return {
        **{"seq": 1, "ts": ts, "event": "kill", "uid": str(uid), "pid": 4711, "comm": comm, "policy": "highest_rss"},
        **{"usage": 101 * MIB, "max": 100 * MIB},
    }


def info(**result: object) -> dict[str, Any]:
    """What uid_mem_info registers where it succeeds."""
    return {
        "changed": False,
        "failed": False,
        "kernel": OURS,
        "loaded": True,
        "not_loaded_because": "",
        "features": {"abi": "1", "engine": "hooks"},
        "limits": [limit(10070, 100 * MIB)],
        "stats": [usage(10070, 70 * MIB, 100 * MIB)],
        "events": [],
        "events_omitted": 0,
        "events_lost": 0,
        "uptime_ns": 864000 * 10**9,
        "file_path": "/etc/uid_mem/limits",
        "file_error": "",
        "file_limits": [],
        "drift": [],
        "desired_drift": [],
        **result,
    }


def _busy(chance: random.Random) -> dict[str, Any]:
    users = [10000 + number for number in range(chance.randint(1, 14))]
    sizes = {uid: chance.choice([64, 100, 256, 512, 1024, 4096]) * MIB for uid in users}
    used = {uid: int(size * min(1.02, chance.betavariate(2, 3) * 1.1)) for uid, size in sizes.items()}
    events = [kill(chance.choice(users), (860000 - number) * 10**9) for number in range(chance.choice([0] * 9 + [3]))]
    return info(
        limits=[limit(uid, size) for uid, size in sizes.items()],
        stats=[usage(uid, used[uid], size) for uid, size in sizes.items()],
        events=events,
    )


def made_up(count: int) -> list[Row]:
    """So many hosts, the same each time: most of them well, one in twelve not."""
    chance = random.Random(7)
    rows = []
    for number in range(1, count + 1):
        host = f"edge-{number:04}.site{number % 17}.example.net"
        read, asked = _busy(chance), survey(uptime_seconds=chance.randint(600, 9_000_000))
        what = chance.randrange(60)
        if what == 0:
            asked, read = UNREACHABLE, {}
        elif what == 1:
            asked = survey(running=OLDER, last_rollout=f"1795700000 failed {OURS}", failed=f"{OURS}:0a1b2c3d")
            asked["said"]["default_release"] = OLDER
        elif what == 2:
            read["drift"] = [{"uid": "10001", "kernel": limit(10001, 200 * MIB), "file": limit(10001, 100 * MIB)}]
        elif what == 3:
            asked = survey(running=STOCK, engine="none", default_release=STOCK, previous_release="", kernels="")
            gap = [{"item": 1, "uid": "10000", "user": "", "kernel": None, "desired": limit(1, MIB), "problem": ""}]
            read = info(loaded=False, features={}, limits=[], stats=[], kernel=STOCK, desired_drift=gap)
            del read["events"]
        elif what == 4:
            asked = survey(running=STOCK, default_release=OURS, reboot_required="yes")
        elif what < 9:
            asked["said"]["newest_distribution_release"] = "6.1.0-42-amd64"
        rows.append(make_row(host, asked, read))
    return sort_rows(rows)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(render_page(made_up(int(sys.argv[1])), ASSETS, "Fleet status", NOW))
