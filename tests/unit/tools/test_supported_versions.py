# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml says which ansible-core is supported, and all else says the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.release import __version__ as core

PROJECT = Path(__file__).resolve().parents[3]
# The oldest Python that a controller may have, by ansible-core's support matrix.
CONTROLLER_PYTHONS = {"2.18": "3.11", "2.19": "3.11", "2.20": "3.12", "2.21": "3.12"}
# "break_when" of loop_control, which the roles use, is of this version.
NEEDED_BY_ROLES = "2.18"


def load(path: str) -> Any:
    return yaml.safe_load((PROJECT / path).read_text())


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def find(path: str, pattern: str) -> list[Any]:
    found = re.findall(pattern, (PROJECT / path).read_text(), re.MULTILINE)
    assert found, f"{path} does not say it any more"
    return found


@pytest.fixture(scope="module")
def oldest() -> str:
    match = re.fullmatch(r">=(\d+\.\d+)\.0", load("meta/runtime.yml")["requires_ansible"])
    assert match
    return match[1]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("docs/overview.md", r"ansible-core ([0-9.]+[0-9]) or newer"),
        ("docs/overview.md", r"or newer \(tested with ([0-9.]+[0-9]),"),
        ("requirements.txt", r"^ansible-core>=([0-9.]+)$"),
        ("tools/cores", r"^# .* Without arguments: ([0-9.]+[0-9]),"),
        ("tools/cores", r"versions=\(([0-9.]+) .*newest\)"),
        ("tools/test", r"unit tests and sanity with ansible-core ([0-9.]+),"),
        ("pyproject.toml", r"ansible-core ([0-9.]+), the oldest we support"),
        ("CONTRIBUTING.md", r"ansible-core ([0-9.]+[0-9]) or newer"),
        ("docs/galaxy-checklist.md", r"`requires_ansible: \">=([0-9]+\.[0-9]+)\.0\"`"),
    ],
)
def test_the_oldest_ansible_core(path: str, pattern: str, oldest: str) -> None:
    assert set(find(path, pattern)) == {oldest}


def test_of_each_role(oldest: str) -> None:
    roles = {path.parts[-3]: load(str(path.relative_to(PROJECT))) for path in PROJECT.glob("roles/*/meta/main.yml")}
    assert roles
    assert {name: meta["galaxy_info"]["min_ansible_version"] for name, meta in roles.items()} == dict.fromkeys(
        roles, oldest
    )


def test_the_roles_can_run_on_it(oldest: str) -> None:
    assert numbers(oldest) >= numbers(NEEDED_BY_ROLES)


def test_the_oldest_python(oldest: str) -> None:
    python = CONTROLLER_PYTHONS[oldest]
    assert find("pyproject.toml", r'^target-version = "py(\d)(\d+)"$') == [tuple(python.split("."))]


def test_all_that_are_tested_are_named() -> None:
    (versions,) = find("tools/cores", r"versions=\((.*) newest\)")
    named = versions.replace(" ", ", ")
    assert f"(tested with {named} and the newest)" in (PROJECT / "docs/overview.md").read_text()
    assert f"ansible-core {named} and the newest" in (PROJECT / "tools/test").read_text()


def test_what_make_installs_is_supported(oldest: str) -> None:
    ((least, below),) = find("requirements-run.txt", r"^ansible-core>=([0-9.]+),<([0-9.]+)$")
    assert numbers(oldest) <= numbers(least) < numbers(below)
    assert numbers(least) <= numbers(re.sub(r"[a-z].*", "", core))
    assert find("requirements-dev.txt", r"^-r (.*)$") == ["requirements-run.txt"]


def test_requirements_of_the_tarball_are_not_those_of_a_clone() -> None:
    ignored = load("galaxy.yml")["build_ignore"]
    assert {"requirements-dev.txt", "requirements-run.txt"} <= set(ignored)
    assert "requirements.txt" not in ignored


def plugin_versions() -> dict[tuple[str, str], str]:
    found = {}
    sources = [*PROJECT.glob("plugins/*/*.py"), *PROJECT.glob("extensions/eda/plugins/*/*.py")]
    for path in sources:
        for version in re.findall(r"^version_added: (.*)$", path.read_text(), re.MULTILINE):
            found[(path.parent.name, path.stem)] = version
    return found


def released() -> dict[str, set[tuple[str, str]]]:
    """The plugins that each release brought, by the changelog."""
    releases = load("changelogs/changelog.yaml")["releases"]
    return {
        version: {("modules", module["name"]) for module in release.get("modules", [])}
        | {(kind, plugin["name"]) for kind, plugins in release.get("plugins", {}).items() for plugin in plugins}
        for version, release in releases.items()
    }


def test_every_plugin_says_when_it_came() -> None:
    kinds = {"become", "connection", "event_source", "filter", "inventory", "lookup", "modules"}
    without = [
        path.name
        for kind in kinds
        for path in [*PROJECT.glob(f"plugins/{kind}/*.py"), *PROJECT.glob(f"extensions/eda/plugins/{kind}/*.py")]
        if (kind, path.stem) not in plugin_versions()
    ]
    assert not without


def test_a_release_has_the_plugins_that_came_with_it() -> None:
    for version, plugins in released().items():
        assert {plugin for plugin, added in plugin_versions().items() if added == version} == plugins, version


def test_what_is_not_released_comes_with_one_next_release() -> None:
    versions = set(plugin_versions().values()) - set(released())
    assert len(versions) <= 1
    newest = max(released(), key=numbers)
    assert all(numbers(version) > numbers(newest) for version in versions)


def test_the_collection_is_of_the_newest_release_or_the_next() -> None:
    version = load("galaxy.yml")["version"]
    assert version in {max(released(), key=numbers), *plugin_versions().values()}
