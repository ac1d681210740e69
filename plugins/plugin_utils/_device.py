# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a device has and how it is changed: one script that reads, one that writes, and the answers of both.

The scripts use POSIX sh and its utilities only, so that dash, busybox and toybox with mksh (Android) all run them; no
Python is needed on the device. They hold no single quotes, because each level of quoting (become, the connection's
shell) would make five characters of one. Both take a directory that stands for ``/`` as their first argument; it is
empty except in tests.

A file's lines are printed behind a bar, so that nothing in a file can pass for a line of the script's own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import split_lines

PROC_LIMITS = "/proc/uid_mem/limits"
ABI = "1"

# A single argument of a command may have 128 KiB on Linux (MAX_ARG_STRLEN); half of it leaves room for quoting.
MAX_ARGUMENT = 64 * 1024

# Tells whether a file is still the one that was read; busybox may be built without cksum.
SUM_FUNCTION = """\
sum_of() {
  cksum <"$1" 2>/dev/null || md5sum <"$1" 2>/dev/null || ls -lin "$1"
}
"""

READ_SCRIPT = (
    SUM_FUNCTION
    + """\
LC_ALL=C
export LC_ALL
root=$1 file=$1$2
dir=${file%/*}
dir=${dir:-/}
release=$(uname -r)

# The lines of a file as they were in one read, and how the read went.
show() {
  echo "begin $1"
  sed "s/^/|/" "$2" 2>/dev/null
  result=$?
  echo
  echo "end $1 $result"
}

writable() {
  if [ -w "$1" ]; then echo yes; else echo no; fi
}

echo "uid_mem_read 1"
echo "system=$(uname -s)"
echo "release=$release"
echo "euid=$(id -u)"
echo "ram_kib=$(sed -n "s/^MemTotal: *\\\\([0-9]*\\\\) kB.*/\\\\1/p" "$root/proc/meminfo" 2>/dev/null)"
if [ -e "$root/proc/uid_mem/limits" ]; then
  echo "loaded=yes"
  echo "kernel_writable=$(writable "$root/proc/uid_mem/limits")"
  for name in features limits stats; do
    show "$name" "$root/proc/uid_mem/$name"
  done
else
  echo "loaded=no"
  module=no
  for path in updates updates/dkms extra kernel/mm; do
    for end in "" .xz .zst .gz; do
      if [ -e "$root/lib/modules/$release/$path/uid_mem.ko$end" ]; then module=yes; fi
    done
  done
  if grep -q "uid_mem[.]ko" "$root/lib/modules/$release/modules.dep" 2>/dev/null; then module=yes; fi
  echo "module=$module"
  patched=unknown
  for path in "/boot/config-$release" "/lib/modules/$release/config"; do
    if [ -r "$root$path" ]; then
      if grep -q "^CONFIG_UID_MEM=y" "$root$path"; then patched=yes; else patched=no; fi
      break
    fi
  done
  if [ "$patched" = unknown ] && [ -r "$root/proc/config.gz" ]; then
    if gzip -dc <"$root/proc/config.gz" 2>/dev/null | grep -q "^CONFIG_UID_MEM=y"; then patched=yes; else patched=no; fi
  fi
  echo "patched=$patched"
fi

place=$dir
if [ -f "$file" ]; then
  if [ -r "$file" ]; then
    echo "file=present"
    echo "file_sum=$(sum_of "$file")"
    if [ -n "$(tail -c 1 "$file")" ]; then echo "file_newline=no"; fi
    show file "$file"
  else
    echo "file=unreadable"
  fi
elif [ -e "$file" ] || [ -h "$file" ]; then
  echo "file=special"
elif [ -d "$dir" ]; then
  if [ -x "$dir" ]; then echo "file=absent"; else echo "file=unreadable"; fi
else
  echo "file=absent"
  place=${dir%/*}
  place=${place:-/}
  if [ ! -d "$place" ]; then echo "file_parent=absent"; fi
fi
echo "file_writable=$(writable "$place")"
echo "uid_mem_end"
"""
)

# On its standard input: lines for the kernel behind a k, the lines that take them back behind a u, those of the new
# file behind an f.
#
# The order is: new file beside the old one, complete and on the disk; one write() to the kernel; the new file takes the
# place of the old one. What is likely to fail (no room, no permission, a limit the kernel refuses) fails before
# anything has changed; where the last step fails, the kernel is put back.
WRITE_SCRIPT = (
    SUM_FUNCTION
    + """\
LC_ALL=C
export LC_ALL
umask 022
limits=$1/proc/uid_mem/limits file=$1$2 seen=$3 file_size=$4 set_size=$5 undo_size=$6
tmp="" made=""

clean() {
  if [ -n "$tmp" ]; then rm -f "$tmp" "$tmp.in"; fi
}

fail() {
  clean
  if [ -n "$made" ]; then rmdir "$made" 2>/dev/null; fi
  echo "failed=$1"
  echo "begin message"
  echo "$2" | sed "s/^/|/"
  echo
  echo "end message 0"
  echo "uid_mem_end"
  exit 1
}

# The lines behind that letter, in one write(): dd collects a block of that size from however many reads, and the kernel
# takes or refuses each write() as a whole.
to_kernel() {
  problem=$(sed -n "s/^$1//p" | { dd of="$limits" ibs=65536 obs="$2" 2>&1 || echo "dd failed"; })
  case $problem in
    *"dd failed") problem=$(echo "$problem" | grep -v -e "records " -e "^dd failed" -e "copied"); return 1 ;;
  esac
}

echo "uid_mem_write 1"
trap "clean; exit 1" 1 2 15

if [ "$file_size" -ge 0 ]; then
  if [ -h "$file" ]; then
    file=$(readlink -f "$file") || fail file "the link $2 leads nowhere"
  fi
  dir=${file%/*}
  dir=${dir:-/}
  if [ ! -d "$dir" ]; then
    problem=$(mkdir "$dir" 2>&1) || fail file "$problem"
    made=$dir
  fi
  now=""
  if [ -e "$file" ]; then now=$(sum_of "$file"); fi
  if [ "$now" != "$seen" ]; then fail changed "$file"; fi
  tmp=$dir/.${file##*/}.uid_mem.$$
  problem=$( (set -C; : >"$tmp") 2>&1) || { tmp=""; fail file "$problem"; }
  if [ -e "$file" ]; then
    problem=$(cp -p "$file" "$tmp" 2>&1) || fail file "$problem"
  fi
  problem=$( (set -C; cat >"$tmp.in") 2>&1) || fail file "$problem"
  problem=$( (sed -n "s/^f//p" "$tmp.in" >"$tmp") 2>&1) || fail file "$problem"
  if [ "$(($(wc -c <"$tmp")))" -ne "$file_size" ]; then fail file "$tmp: only part of it could be written"; fi
  sync "$tmp" 2>/dev/null || sync
  if [ "$set_size" -gt 0 ]; then
    to_kernel k "$set_size" <"$tmp.in" || fail kernel "$problem"
  fi
  if ! renamed=$(mv -f "$tmp" "$file" 2>&1); then
    if [ "$set_size" -gt 0 ]; then
      to_kernel u "$undo_size" <"$tmp.in" || fail torn "$renamed
$problem"
    fi
    fail file "$renamed"
  fi
  sync "$dir" 2>/dev/null || sync
  clean
else
  to_kernel k "$set_size" || fail kernel "$problem"
fi

echo "written=yes"
if [ "$set_size" -gt 0 ]; then
  echo "begin limits"
  sed "s/^/|/" "$limits" 2>/dev/null
  result=$?
  echo
  echo "end limits $result"
fi
echo "uid_mem_end"
"""
)


class DeviceError(Exception):
    """What stands in the way on the device; the message names it and the way out."""


@dataclass(frozen=True)
class Reading:
    """What one run of the read script saw."""

    system: str
    release: str
    euid: int
    ram: int | None
    loaded: bool
    module_installed: bool
    patched: str
    kernel_writable: bool
    features: Mapping[str, str]
    limits_text: str | None
    stats_text: str
    path: str
    file_state: str
    file_sum: str
    file_text: str | None
    file_writable: bool
    file_parent_exists: bool

    @property
    def policies(self) -> tuple[str, ...]:
        """The names that C(policy=) may have on this device."""
        return ("default", *(name for name in self._names("policies") if name != "default"))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names that C(metric=) may have on this device."""
        return self._names("metrics")

    def _names(self, key: str) -> tuple[str, ...]:
        return tuple(name for name in self.features.get(key, "").split(",") if name)

    def require_kernel(self) -> None:
        """Raise unless the kernel keeps limits and tells them."""
        if self.system != "Linux":
            raise DeviceError(f"uid_mem needs Linux, and this host runs {self.system or 'something else'}.")
        if not self.loaded:
            raise DeviceError(self._why_not_loaded())
        if self.limits_text is None or not self.features:
            raise DeviceError(
                f"UID {self.euid} may not read /proc/uid_mem on this host. Set 'become: true' for the task."
            )
        if self.features.get("abi") != ABI:
            raise DeviceError(
                f"The module uid_mem on this host speaks abi={self.features.get('abi')}, this collection abi={ABI}."
                " Bring both to the same version with the role devfleet.uid_mem.uid_mem."
            )

    def _why_not_loaded(self) -> str:
        if self.module_installed:
            return (
                f"The module uid_mem is installed for the running kernel {self.release}, but not loaded."
                " Load it with 'modprobe uid_mem', or apply the role devfleet.uid_mem.uid_mem,"
                " which also loads it at every boot."
            )
        if self.patched == "yes":
            return (
                f"The running kernel {self.release} is built with CONFIG_UID_MEM,"
                " but the module uid_mem is not installed for it."
                " Apply the role devfleet.uid_mem.uid_mem with the artifacts of this kernel."
            )
        cause = (
            "is not built with CONFIG_UID_MEM" if self.patched == "no" else "has no /proc/uid_mem and no module uid_mem"
        )
        return (
            f"The running kernel {self.release} {cause}, so no memory is limited per UID."
            " Install the module for this kernel, as it is, with the role devfleet.uid_mem.uid_mem;"
            " or build a kernel that has it with devfleet.uid_mem.kernel_build"
            " and install it with devfleet.uid_mem.kernel_install."
        )

    def require_file(self) -> None:
        """Raise unless the limits file can be read, or can be told not to exist."""
        if self.file_state == "unreadable":
            raise DeviceError(
                f"UID {self.euid} may not read {self.path} on this host. Set 'become: true' for the task."
            )
        if self.file_state == "special":
            raise DeviceError(
                f"{self.path} on this host is not a regular file. Name another path, or move it out of the way."
            )
        if not self.file_parent_exists:
            raise DeviceError(
                f"The directory of {self.path} does not exist on this host, nor does the one above it."
                " Create it, or name another path; only the last directory is created when needed."
            )

    def require_permission(self, *, kernel: bool, file: bool) -> None:
        """Raise unless what is to be changed can be changed by the user the task runs as."""
        if kernel and not self.kernel_writable:
            raise DeviceError(self._no_permission(PROC_LIMITS, "run it on the host itself, not in a container"))
        if file and not self.file_writable:
            raise DeviceError(
                self._no_permission(
                    self.path,
                    "is its file system read-only? Mount it read-write, name another path, or set 'persist: false'",
                )
            )

    def _no_permission(self, what: str, even_as_root: str) -> str:
        if self.euid:
            return f"UID {self.euid} may not change {what} on this host. Set 'become: true' for the task."
        return f"The task may not change {what} on this host, although it runs as root: {even_as_root}."


@dataclass(frozen=True)
class Change:
    """One run of the write script. I(file_text) is None where the file stays as it is."""

    path: str
    file_sum: str = ""
    file_text: str | None = None
    set_lines: list[str] = field(default_factory=list)
    undo_lines: list[str] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """The script's standard input."""
        tagged = [f"k{line}" for line in self.set_lines] + [f"u{line}" for line in self.undo_lines]
        tagged += [f"f{line}" for line in split_lines(self.file_text or "")]
        return _encode("".join(f"{line}\n" for line in tagged))


def read_command(path: str, root: str = "") -> str:
    """The command that reads a device."""
    return _command(READ_SCRIPT, root, path)


def write_command(change: Change, root: str = "") -> str:
    """The command that makes a change, with C(change.data) on its standard input."""
    size = -1 if change.file_text is None else len(_encode(change.file_text))
    sizes = (str(size), str(_size_of(change.set_lines)), str(_size_of(change.undo_lines)))
    return _command(WRITE_SCRIPT, root, change.path, change.file_sum, *sizes)


def embedded(command: str, data: bytes) -> str | None:
    """The same command with its standard input in it, or None where that makes it too long for one argument."""
    if len(data) > MAX_ARGUMENT:
        return None
    return f"printf %s {shlex.quote(_decode(data))} | {command}"


def _command(script: str, *arguments: str) -> str:
    return " ".join(["sh", "-c", shlex.quote(script), "uid_mem", *map(shlex.quote, arguments)])


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _size_of(lines: Iterable[str]) -> int:
    return sum(len(_encode(line)) + 1 for line in lines)


@dataclass(frozen=True)
class _Section:
    text: str
    complete: bool


@dataclass
class _Answer:
    """The output of a script: its C(name=value) lines and the files it showed."""

    values: dict[str, str]
    sections: dict[str, _Section]

    @classmethod
    def parse(cls, output: str, first: str) -> _Answer | None:
        """None where the output is not a whole answer. What stands before the first line (a banner) is left out."""
        lines = output.split("\n")
        if f"{first}\r" in lines:  # over a terminal each line got a carriage return
            lines = [line.removesuffix("\r") for line in lines]
        if first not in lines or "uid_mem_end" not in lines:
            return None
        answer = cls({}, {})
        shown: list[str] = []
        for line in lines[lines.index(first) + 1 : len(lines) - lines[::-1].index("uid_mem_end") - 1]:
            if line.startswith("|"):
                shown.append(line[1:])
            elif line.startswith("begin "):
                shown = []
            elif match := re.fullmatch(r"end (\w+) ([0-9]+)", line):
                text = "".join(f"{row}\n" for row in shown)
                answer.sections[match[1]] = _Section(text, match[2] == "0")
            elif match := re.fullmatch(r"(\w+)=(.*)", line):
                answer.values[match[1]] = match[2]
        return answer

    def text(self, name: str) -> str | None:
        """The lines of a file that could be read."""
        section = self.sections.get(name)
        return section.text if section and section.complete else None


def parse_reading(output: str, path: str, *, rc: int = 0, stderr: str = "") -> Reading:
    """What the read script said."""
    answer = _Answer.parse(output, "uid_mem_read 1")
    if answer is None:
        raise DeviceError(f"The host did not answer the read script (exit status {rc}): {_last_words(output, stderr)}")
    values = answer.values
    file_text = answer.text("file")
    if file_text is not None and values.get("file_newline") == "no":
        file_text = file_text.removesuffix("\n")
    return Reading(
        system=values.get("system", ""),
        release=values.get("release", ""),
        euid=int(values.get("euid") or 0),
        ram=int(values["ram_kib"]) * 1024 if values.get("ram_kib") else None,
        loaded=values.get("loaded") == "yes",
        module_installed=values.get("module") == "yes",
        patched=values.get("patched", "unknown"),
        kernel_writable=values.get("kernel_writable") == "yes",
        features=_pairs((answer.text("features") or "").split()),
        limits_text=answer.text("limits"),
        stats_text=answer.text("stats") or "",
        path=path,
        file_state=values.get("file", "unreadable")
        if file_text is not None or values.get("file") != "present"
        else "unreadable",
        file_sum=values.get("file_sum", ""),
        file_text=file_text,
        file_writable=values.get("file_writable") == "yes",
        file_parent_exists=values.get("file_parent") != "absent",
    )


def parse_written(output: str, change: Change, *, rc: int = 0, stderr: str = "") -> str | None:
    """The kernel's table as the write script left it, None where only the file was written."""
    answer = _Answer.parse(output, "uid_mem_write 1")
    if answer is None:
        raise DeviceError(
            f"The host did not finish the write script (exit status {rc}), so limits may or may not have been set;"
            f" run the task again: {_last_words(output, stderr)}"
        )
    if "failed" in answer.values:
        raise DeviceError(_why_not_written(answer.values["failed"], (answer.text("message") or "").strip(), change))
    return answer.text("limits")


def _why_not_written(step: str, message: str, change: Change) -> str:
    if step == "changed":
        return f"{change.path} was changed by someone else while the task ran. Nothing was changed; run the task again."
    if step == "file":
        return (
            f"{change.path} cannot be written: {message}. Nothing was changed."
            " Make room or make it writable, name another path, or set 'persist: false'."
        )
    if step == "torn":
        return (
            f"The kernel took the limits, but {change.path} could not be put in place,"
            f" and the kernel did not take them back: {message}."
            " Run the task again once the file can be written."
        )
    return f"The kernel refused the limits: {message}. Nothing was changed. {_kernel_hint(message)}"


def _kernel_hint(message: str) -> str:
    if "not permitted" in message or "ermission denied" in message:
        return (
            "It wants CAP_SYS_RESOURCE in the initial user namespace: set 'become: true',"
            " and run the task on the host itself, not in a container."
        )
    if "No space left" in message:
        return (
            "Its table is full (module parameter max_entries) and eviction is off:"
            " remove a limit, or raise max_entries."
        )
    return f"Look at {PROC_LIMITS}: did someone else change it at the same time? Then run the task again."


def _last_words(output: str, stderr: str) -> str:
    lines = [line for line in (output + "\n" + stderr).splitlines() if line.strip()]
    return " / ".join(lines[-5:]) or "it said nothing"


def _pairs(words: Iterable[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words if "=" in word)


def parse_stats(text: str) -> list[dict[str, object]]:
    """The lines of C(stats) as dictionaries, numbers as numbers."""
    rows: list[dict[str, object]] = []
    for line in text.splitlines():
        uid, *words = line.split()
        row: dict[str, object] = {"uid": int(uid)}
        row.update({key: int(value) if value.isdigit() else value for key, value in _pairs(words).items()})
        rows.append(row)
    return rows
