# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the kernel patches of every series from patches/source, or check that they are made.

patches/source/series.yml says what a patch adds and where it edits; the files it adds are kept
beside it. The kernel source of a series is Debian's, brought into the cache, or --source.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import yaml

PROJECT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = PROJECT / "patches" / "source"
BUILD_ROLE = PROJECT / "roles" / "kernel_build"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "uid_mem"

AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "The uid_mem authors"),
        ("EMAIL", "uid_mem@devfleet.example"),
        ("DATE", "2026-11-23T00:00:00 +0000"),
    )
}
SIGNED_OFF = "Signed-off-by: The uid_mem authors <uid_mem@devfleet.example>"


class PatchesError(Exception):
    """What went wrong, for the person who called."""


@dataclass(frozen=True)
class Edit:
    """A change of one file; see series.yml."""

    file: str
    insert: str
    place: str
    anchors: tuple[str, ...]
    scopes: tuple[str, ...]
    last: bool
    condition: str
    unless: str

    @classmethod
    def from_yaml(cls, data: dict[str, object]) -> Edit:
        """Read an edit of series.yml."""
        known = {"file", "insert", "before", "after", "replace", "at", "in", "pick", "if", "unless"}
        unknown = set(data) - known
        places = [place for place in ("before", "after", "replace", "at") if place in data]
        if unknown or len(places) != 1 or "file" not in data or "insert" not in data:
            raise PatchesError(
                f"series.yml: an edit has file, insert and one of before, after, replace, at; this has {sorted(data)}"
            )
        return cls(
            file=str(data["file"]),
            insert=str(data["insert"]),
            place=places[0],
            anchors=cls._alternatives(data[places[0]]),
            scopes=cls._alternatives(data.get("in", [])),
            last=data.get("pick") == "last",
            condition=str(data.get("if", "")),
            unless=str(data.get("unless", "")),
        )

    @staticmethod
    def _alternatives(value: object) -> tuple[str, ...]:
        return tuple(str(each) for each in (value if isinstance(value, list) else [value]))

    def apply(self, text: str) -> str:
        """Return the text with the edit made; PatchesError where its anchor is not found once."""
        lines = text.splitlines(keepends=True)
        if self.place == "at":
            return text + self.insert
        first, end = self._scope(lines)
        found = self._find(lines, first, end)
        begin = found + (self.place == "after")
        lines[begin : found + (self.place != "before")] = [self.insert]
        return "".join(lines)

    def _scope(self, lines: list[str]) -> tuple[int, int]:
        if not self.scopes:
            return 0, len(lines)
        starts = [i for i, line in enumerate(lines) if line.rstrip("\n") in self.scopes]
        if len(starts) != 1:
            raise PatchesError(f"{self.file}: found {len(starts)} times, not once: {' nor '.join(self.scopes)}")
        end = next((i for i in range(starts[0], len(lines)) if lines[i].startswith("}")), len(lines))
        return starts[0], end

    def _find(self, lines: list[str], first: int, end: int) -> int:
        for anchor in self.anchors:
            found = [i for i in range(first, end) if re.fullmatch(anchor, lines[i].strip())]
            if found and (self.last or len(found) == 1):
                return found[-1]
            if found:
                raise PatchesError(f"{self.file}: lines {', '.join(str(i + 1) for i in found)} all match: {anchor}")
        raise PatchesError(f"{self.file}: no line matches: {' nor '.join(self.anchors)}")


@dataclass(frozen=True)
class Patch:
    """A patch of every series."""

    subject: str
    message: str
    files: tuple[str, ...]
    edits: tuple[Edit, ...]

    def commit_message(self) -> str:
        """Return what git is given."""
        return f"{self.subject}\n\n{self.message.strip()}\n\n{SIGNED_OFF}\n"

    def edits_for(self, symbols: list[str]) -> list[Edit]:
        """Return the edits made where these symbols hold."""
        return [
            edit
            for edit in self.edits
            if (not edit.condition or edit.condition in symbols) and edit.unless not in symbols
        ]


@dataclass(frozen=True)
class Plan:
    """What series.yml says."""

    series: dict[str, list[str]]
    symbols: dict[str, str]
    patches: list[Patch]

    @classmethod
    def load(cls) -> Plan:
        """Read series.yml."""
        data = yaml.safe_load((SOURCE / "series.yml").read_text(encoding="utf-8"))
        plan = cls(
            series=data["series"],
            symbols=data["symbols"],
            patches=[
                Patch(
                    subject=patch["subject"],
                    message=patch["message"],
                    files=tuple(patch.get("files", [])),
                    edits=tuple(Edit.from_yaml(edit) for edit in patch["edits"]),
                )
                for patch in data["patches"]
            ],
        )
        plan.check_symbols()
        return plan

    def check_symbols(self) -> None:
        """Raise PatchesError where a symbol is used that is not declared."""
        used = {symbol for symbols in self.series.values() for symbol in symbols}
        for patch in self.patches:
            for edit in patch.edits:
                used |= {edit.condition, edit.unless} - {""}
        unknown = sorted(used - set(self.symbols))
        if unknown:
            raise PatchesError(f"series.yml: {', '.join(unknown)}: not among its symbols, {', '.join(self.symbols)}")

    def edits(self, patch: Patch, series: str) -> list[Edit]:
        """Return the edits that a patch makes in a series."""
        return patch.edits_for(self.series[series])

    def edited_files(self, series: str) -> list[str]:
        """Return the files of the kernel that the patches of a series edit."""
        return sorted({edit.file for patch in self.patches for edit in self.edits(patch, series)})


def run(*command: str | os.PathLike[str], cwd: pathlib.Path | None = None, text: str | None = None) -> str:
    """Run a program and return what it printed; PatchesError where it fails."""
    done = subprocess.run(
        command, cwd=cwd, input=text, capture_output=True, text=True, check=False, env=os.environ | AUTHOR
    )
    if done.returncode:
        raise PatchesError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def debian_source(series: str, files: list[str]) -> pathlib.Path:
    """Return a directory with files of Debian's source of a series, unpacked once per version."""
    suites = yaml.safe_load((BUILD_ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))["kernel_build_suites"]
    if series not in suites:
        raise PatchesError(f"no Debian suite is known for {series}: name its source with --source")
    answer = json.loads(
        run(
            BUILD_ROLE / "files" / "source_debian.sh",
            *("--series", series, "--suite", suites[series], "--cache", str(CACHE)),
        )
    )
    tree = CACHE / "patches" / pathlib.Path(answer["file"]).stem
    if not all((tree / file).exists() for file in files):
        print(f"unpacking {len(files)} files of {answer['name']} {answer['version']}", file=sys.stderr)
        tree.mkdir(parents=True, exist_ok=True)
        wanted = " ".join(f"'*/{file}'" for file in files)
        run(
            "sh",
            "-c",
            f"dpkg-deb --fsys-tarfile \"$1\" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | "
            f'tar -xJ -C "$2" --strip-components=1 --wildcards --no-wildcards-match-slash {wanted}',
            "sh",
            answer["file"],
            str(tree),
        )
    return tree


def put_files(target: pathlib.Path, source: pathlib.Path, files: list[str]) -> None:
    """Copy files of a kernel source."""
    for file in files:
        if not (source / file).is_file():
            raise PatchesError(f"{source} has no {file}")
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, target / file)


def resolve(plan: Plan, series: str, file: str) -> str:
    """Return a file of patches/source as it is for a series: its #ifdefs are gone."""
    symbols = [f"-D{s}" if s in plan.series[series] else f"-U{s}" for s in plan.symbols]
    done = subprocess.run(["unifdef", *symbols, str(SOURCE / file)], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise PatchesError(f"unifdef {file}: {done.stderr.strip()}")
    # unifdef leaves what stands in a comment.
    for symbol in plan.symbols:
        if re.search(rf"^#.*\b{symbol}\b", done.stdout, re.M):
            raise PatchesError(f"{file}: #ifdef {symbol} is still there in series {series}: not in a comment, please")
    return done.stdout


def apply_patch(plan: Plan, patch: Patch, series: str, tree: pathlib.Path) -> None:
    """Do to a tree what a patch does."""
    for file in patch.files:
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_text(resolve(plan, series, file), encoding="utf-8")
    for edit in plan.edits(patch, series):
        path = tree / edit.file
        try:
            path.write_text(edit.apply(path.read_text(encoding="utf-8")), encoding="utf-8")
        except PatchesError as error:
            raise PatchesError(f"{series}: {patch.subject}: {error}") from error


def build_tree(plan: Plan, series: str, source: pathlib.Path, tree: pathlib.Path) -> None:
    """Make a git repository with a commit for each patch of a series."""
    run("git", "init", "-q", tree)
    put_files(tree, source, plan.edited_files(series))
    run("git", "add", "-Af", cwd=tree)
    run("git", "commit", "-q", "-m", "base", cwd=tree)
    for patch in plan.patches:
        apply_patch(plan, patch, series, tree)
        run("git", "add", "-Af", cwd=tree)
        run("git", "commit", "-q", "-F", "-", cwd=tree, text=patch.commit_message())


def format_patches(tree: pathlib.Path, target: pathlib.Path) -> list[pathlib.Path]:
    """Write the patches of a repository that build_tree() made."""
    base = run("git", "rev-list", "--max-parents=0", "HEAD", cwd=tree).strip()
    options = ("--no-signature", "--zero-commit", "--abbrev=12", "-q", "-o", str(target))
    run("git", "format-patch", *options, base, cwd=tree)
    return sorted(target.glob("*.patch"))


def generate(plan: Plan, series: str, source: pathlib.Path) -> None:
    """Write patches/<series> anew."""
    target = PROJECT / "patches" / series
    with tempfile.TemporaryDirectory() as scratch:
        tree, made = pathlib.Path(scratch, "tree"), pathlib.Path(scratch, "made")
        build_tree(plan, series, source, tree)
        patches = format_patches(tree, made)
        target.mkdir(exist_ok=True)
        for old in target.glob("*.patch"):
            old.unlink()
        for patch in patches:
            shutil.copyfile(patch, target / patch.name)
            print(target / patch.name)


def without_places(patch: str) -> str:
    """Return a patch without what moves from one point release to the next: hashes, line numbers."""
    patch = re.sub(r"^index .*\n", "", patch, flags=re.MULTILINE)
    return re.sub(r"^@@ -\S+ \+\S+ @@.*", "@@", patch, flags=re.MULTILINE)


def check(plan: Plan, series: str, source: pathlib.Path) -> None:
    """Raise PatchesError where patches/<series> is not what generate() would write."""
    have = sorted((PROJECT / "patches" / series).glob("*.patch"))
    with tempfile.TemporaryDirectory() as scratch:
        tree, made = pathlib.Path(scratch, "tree"), pathlib.Path(scratch, "made")
        build_tree(plan, series, source, tree)
        want = format_patches(tree, made)
        if [path.name for path in have] != [path.name for path in want]:
            raise PatchesError(f"patches/{series} has other patches than patches/source makes: run 'make patches'")
        for old, new in zip(have, want, strict=True):
            if without_places(old.read_text(encoding="utf-8")) != without_places(new.read_text(encoding="utf-8")):
                difference = subprocess.run(["diff", "-u", old, new], capture_output=True, text=True, check=False)
                raise PatchesError(
                    f"patches/{series}/{old.name} is not what patches/source makes of this kernel source: "
                    f"run 'make patches'\n{difference.stdout}"
                )
    print(f"patches/{series}: {len(have)} patches are up to date")


def parse_arguments(plan: Plan) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="patches", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["generate", "check"])
    parser.add_argument("series", nargs="*", help="series (default: all of series.yml)")
    parser.add_argument("--source", type=pathlib.Path, metavar="DIR", help="kernel source of the one series named")
    arguments = parser.parse_args()
    unknown = [series for series in arguments.series if series not in plan.series]
    if unknown:
        parser.error(f"series {unknown[0]} is not in patches/source/series.yml, which has {', '.join(plan.series)}")
    if arguments.source and len(arguments.series) != 1:
        parser.error("--source needs exactly one series")
    return arguments


def main() -> int:
    """Do what the command line says."""
    try:
        plan = Plan.load()
    except PatchesError as error:
        print(f"patches: {error}", file=sys.stderr)
        return 1
    arguments = parse_arguments(plan)
    act = generate if arguments.action == "generate" else check
    status = 0
    for series in arguments.series or plan.series:
        try:
            act(plan, series, arguments.source or debian_source(series, plan.edited_files(series)))
        except PatchesError as error:
            print(f"patches: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
