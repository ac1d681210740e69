# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two programs that run on a device: one reads, one writes.

They use POSIX sh and its utilities only, so that dash, busybox and toybox with mksh (Android) all run them; no Python
is needed on the device. What is not everywhere has a substitute: C(cksum) (C(md5sum), C(ls)), C(fsync) (C(sync)),
fractions of a second in C(sleep) (whole ones); C(chcon) is needed only where files have a security context. All others
are in Android since version 6, as the lists in its C(shell_and_utilities/README.md) say.

They hold no single quotes, because each level of quoting (become, the connection's shell) would make five characters of
one. Both take a directory that stands for C(/) as their first argument; it is empty except in tests.

A file's lines are printed behind a bar, so that nothing in a file can pass for a line of the script's own.
"""

from __future__ import annotations

# Tells whether a file is still the one that was read; busybox may be built without cksum.
SUM_FUNCTION = """\
sum_of() {
  cksum <"$1" 2>/dev/null || md5sum <"$1" 2>/dev/null || ls -lin "$1"
}
"""

SHOW_FUNCTION = """\
# The lines of a file as they were in one read, and how the read went.
show() {
  echo "begin $1"
  sed "s/^/|/" "$2" 2>/dev/null
  result=$?
  echo
  echo "end $1 $result"
}
"""

# Arguments: root, limits file ("" not to look at it, "own" for the one of this kind of device), what to tell besides
# the features (words), the largest number of events, names of users.
READ_SCRIPT = (
    SUM_FUNCTION
    + SHOW_FUNCTION
    + """\
LC_ALL=C
export LC_ALL
root=$1 path=$2 parts=" $3 " max_events=$4
shift 4
release=$(uname -r)

wanted() {
  case $parts in *" $1 "*) return 0 ;; esac
  return 1
}

writable() {
  if [ -w "$1" ]; then echo yes; else echo no; fi
}

# Each process with its real UID and the parts of its memory. cat goes on where one has ended meanwhile.
show_processes() {
  echo "begin processes"
  cat "$root"/proc/[0-9]*/status 2>/dev/null |
    sed -n -e "s/^Uid:[^0-9]*\\\\([0-9]*\\\\).*/|Uid \\\\1/p" -e "/^Rss[AFS]/s/^/|/p" -e "/^VmSwap/s/^/|/p"
  echo "end processes 0"
}

# The subordinate UIDs, with the UID of the user in place of the name.
show_subordinate() {
  owner="" last="" uid=""
  echo "begin subordinate"
  while IFS=: read -r owner start count || [ -n "$owner" ]; do
    if [ "$owner" != "$last" ]; then
      last=$owner
      case $owner in
        *[!0-9]*) uid=$(id -u -- "$owner") ;;
        *) uid=$owner ;;
      esac
    fi
    if [ -n "$uid" ]; then printf "|%s\\n" "$uid:$start:$count"; fi
  done <"$root/etc/subuid"
  echo "end subordinate 0"
} 2>/dev/null

# The ring of events, in one read. A reader has a place of its own, and takes nothing away from others. Without any
# event a read would wait for the first one: whether there is one is tried out with a byte, by a dd that is ended when
# it sleeps.
show_events() {
  dd bs=1 count=1 <"$1" >/dev/null 2>&1 &
  probe=$!
  asleep="grep -q ^State:.*S /proc/$probe/status"
  # A shell of its own: a part of this one would keep our standard output open.
  sh -c "sleep 1; until $asleep || [ ! -e /proc/$probe ]; do sleep 1; done; kill $probe" >/dev/null 2>&1 &
  guard=$!
  echo "begin events"
  if wait "$probe"; then
    dd bs=2097152 count=1 <"$1" 2>/dev/null | {
      if IFS= read -r first; then
        printf "%s\\n" "first=$first"
        { printf "%s\\n" "$first"; cat; } | tail -n "$max_events" | sed "s/^/|/"
      fi
    }
  fi
  echo "end events 0"
  kill "$guard"
} 2>/dev/null

echo "uid_mem_read 1"
echo "system=$(uname -s)"
echo "release=$release"
echo "euid=$(id -u)"
echo "ram_kib=$(sed -n "s/^MemTotal: *\\\\([0-9]*\\\\) kB.*/\\\\1/p" "$root/proc/meminfo" 2>/dev/null)"
if [ -e "$root/proc/uid_mem/limits" ]; then
  proc=$root/proc/uid_mem
  echo "loaded=yes"
  echo "module_version=$(cat "$root/sys/module/uid_mem/version" 2>/dev/null)"
  show features "$proc/features"
  if wanted limits; then
    echo "kernel_writable=$(writable "$proc/limits")"
    echo "kernel_sum=$(sum_of "$proc/limits" 2>/dev/null)"
    show limits "$proc/limits"
    for name in max_entries evict; do
      echo "$name=$(cat "$root/sys/module/uid_mem/parameters/$name" 2>/dev/null)"
    done
  fi
  if wanted stats; then show stats "$proc/stats"; fi
  if wanted processes; then show_processes; fi
  if wanted events && [ -r "$proc/events" ]; then
    echo "uptime=$(cut -d " " -f 1 "$root/proc/uptime")"
    show_events "$proc/events"
  fi
else
  echo "loaded=no"
  module=no
  for place in updates updates/dkms extra kernel/mm; do
    for end in "" .xz .zst .gz; do
      if [ -e "$root/lib/modules/$release/$place/uid_mem.ko$end" ]; then module=yes; fi
    done
  done
  if grep -q "uid_mem[.]ko" "$root/lib/modules/$release/modules.dep" 2>/dev/null; then module=yes; fi
  echo "module=$module"
  patched=unknown
  for place in "/boot/config-$release" "/lib/modules/$release/config"; do
    if [ -r "$root$place" ]; then
      if grep -q "^CONFIG_UID_MEM=y" "$root$place"; then patched=yes; else patched=no; fi
      break
    fi
  done
  if [ "$patched" = unknown ] && [ -r "$root/proc/config.gz" ]; then
    if gzip -dc <"$root/proc/config.gz" 2>/dev/null | grep -q "^CONFIG_UID_MEM=y"; then patched=yes; else patched=no; fi
  fi
  echo "patched=$patched"
fi

if [ "$path" = own ]; then
  path=/etc/uid_mem/limits
  if [ -e "$root/system/bin/sh" ] && [ -d "$root/data/local" ]; then path=/data/local/uid_mem/limits; fi
fi
printf "%s\\n" "path=$path"
if [ -n "$path" ]; then
  file=$root$path
  target=$file
  if [ -h "$file" ]; then target=$(readlink -f "$file") || target=$file; fi
  dir=${target%/*}
  dir=${dir:-/}
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
fi

if wanted subordinate; then show_subordinate; fi
echo "begin users"
for name do
  printf "|%s\\n" "$(id -u -- "$name" 2>/dev/null)"
done
echo "end users 0"
echo "uid_mem_end"
"""
)

# Arguments: root, limits file ("" where the task leaves it out), the sums of file and kernel table that were read, the
# size of the new file (-1 to leave it), of the lines for the kernel (0 to leave it) and of those that take them back,
# in bytes.
#
# On its standard input: lines for the kernel behind a k, the lines that take them back behind a u, those of the new
# file behind an f.
#
# The order is: lock; compare with what was read; new file beside the old one, complete and on the disk; one write() to
# the kernel; the new file takes the place of the old one. What is likely to fail (no room, no permission, a limit the
# kernel refuses) fails before anything has changed; where the last step fails, the kernel is put back.
#
# The lock is a symbolic link beside the file, made in one step with what it says: boot, process, and when that was
# started. One whose process has ended, or that is from an earlier boot, is removed, by one process at a time.
WRITE_SCRIPT = (
    SUM_FUNCTION
    + SHOW_FUNCTION
    + """\
LC_ALL=C
export LC_ALL
umask 022
root=$1 limits=$1/proc/uid_mem/limits file=$1$2 file_seen=$3 kernel_seen=$4 file_size=$5 set_size=$6 undo_size=$7
tmp="" made="" lock="" breaking=""

clean() {
  if [ -n "$tmp" ]; then rm -f "$tmp" "$tmp.in"; fi
  if [ -n "$lock" ]; then rm -f "$lock"; fi
  if [ -n "$breaking" ]; then rm -f "$breaking"; fi
}

fail() {
  clean
  if [ -n "$made" ]; then rmdir "$made" 2>/dev/null; fi
  echo "failed=$1"
  echo "begin message"
  printf "%s\\n" "$2" | sed "s/^/|/"
  echo
  echo "end message 0"
  echo "uid_mem_end"
  exit 1
}

# The lines behind that letter, in one write(): dd collects a block of that size from however many reads, and the kernel
# takes or refuses each write() as a whole. What a lost connection has left of them is not written.
to_kernel() {
  lines=$(sed -n "s/^$1//p")
  if [ "$((${#lines} + 1))" -ne "$2" ]; then fail input; fi
  problem=$(echo "$lines" | { dd of="$limits" ibs=65536 obs="$2" 2>&1 || echo "dd failed"; })
  case $problem in
    *"dd failed") problem=$(echo "$problem" | grep -v -e "records " -e "^dd failed" -e "copied"); return 1 ;;
  esac
}

compare_kernel() {
  if [ "$set_size" -gt 0 ] && [ "$(sum_of "$limits" 2>/dev/null)" != "$kernel_seen" ]; then fail changed kernel; fi
}

# Another reason to refuse than what was asked for is that somebody was faster.
set_kernel() {
  to_kernel k "$set_size" && return
  refusal=$problem
  compare_kernel
  fail kernel "$refusal"
}

to_disk() {
  fsync "$1" 2>/dev/null || sync "$1" 2>/dev/null || sync
}

started() {
  sed "s/.*) //" "/proc/$1/stat" 2>/dev/null | cut -d " " -f 20
}

# Whether a lock is there whose process has ended. Until that was looked up, the process may have gone in good order and
# another one have come, so the lock is read once more.
is_left() {
  holder=$(readlink "$1") || return 1
  of_process=${holder#"$boot".}
  if [ "$of_process" != "$holder" ] && [ "$(started "${of_process%.*}")" = "${of_process#*.}" ]; then return 1; fi
  [ "$(readlink "$1")" = "$holder" ]
}

# One process at a time, so that none removes the lock of one that was faster.
remove_left() {
  if ln -s "$me" "$1.break" 2>/dev/null; then
    breaking=$1.break
    if is_left "$1"; then rm -f "$1"; fi
    rm -f "$breaking"
    breaking=""
  elif is_left "$1.break"; then
    rm -f "$1.break"
  else
    return 1
  fi
}

uptime_s() {
  cut -d . -f 1 "$root/proc/uptime"
}

take_lock() {
  boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
  me=$boot.$$.$(started $$)
  since=$(uptime_s) vanished=0
  until problem=$(ln -s "$me" "$1" 2>&1); do
    if [ ! -h "$1" ]; then
      vanished=$((vanished + 1))
      if [ "$vanished" -lt 20 ]; then continue; fi
      # Who cannot lock here cannot write the file.
      if [ "$file_size" -lt 0 ]; then return; fi
      fail file "$problem"
    fi
    vanished=0
    if [ "$(($(uptime_s) - since))" -ge 120 ]; then fail locked "${1#"$root"}"; fi
    if is_left "$1" && remove_left "$1"; then continue; fi
    sleep 0.1 2>/dev/null || sleep 1
  done
  lock=$1
}

context_of() {
  stat -c %C "$1" 2>/dev/null
}

# A copy of the file there is, so that mode, owner and security context are its.
like_file() {
  if [ ! -e "$file" ]; then return; fi
  problem=$(cp -p "$file" "$tmp" 2>&1) || fail file "$problem"
  context=$(context_of "$file")
  case $context in
    *:*) if [ "$(context_of "$tmp")" != "$context" ]; then
      problem=$(chcon "$context" "$tmp" 2>&1) || fail file "$problem"
    fi ;;
  esac
}

echo "uid_mem_write 1"
trap "clean; exit 1" HUP INT PIPE TERM

if [ -n "$2" ]; then
  if [ -h "$file" ]; then
    file=$(readlink -f "$file") || fail file "the link $2 leads nowhere"
  fi
  dir=${file%/*}
  dir=${dir:-/}
  name=$dir/.${file##*/}.uid_mem
  if [ "$file_size" -ge 0 ] && [ ! -d "$dir" ]; then
    if problem=$(mkdir "$dir" 2>&1); then made=$dir; elif [ ! -d "$dir" ]; then fail file "$problem"; fi
  fi
  # Also where the file stays as it is: nobody may write another one until the kernel is in step with it.
  if [ "$file_size" -ge 0 ] || [ -w "$dir" ]; then take_lock "$name.lock"; fi
  now=""
  if [ -e "$file" ]; then now=$(sum_of "$file"); fi
  if [ "$now" != "$file_seen" ]; then fail changed file; fi
fi
compare_kernel

if [ "$file_size" -ge 0 ]; then
  # What a run that was killed has left.
  rm -f "$name."[0-9]*
  tmp=$name.$$
  problem=$( (set -C; : >"$tmp") 2>&1) || { tmp=""; fail file "$problem"; }
  like_file
  problem=$( (set -C; cat >"$tmp.in") 2>&1) || fail file "$problem"
  problem=$( (sed -n "s/^f//p" "$tmp.in" >"$tmp") 2>&1) || fail file "$problem"
  if [ "$(($(wc -c <"$tmp")))" -ne "$file_size" ]; then fail file "$tmp: only part of it could be written"; fi
  to_disk "$tmp"
  # From here on it is done to the end, so that a connection that is lost leaves kernel and file in step.
  trap "" HUP INT PIPE TERM
  if [ "$set_size" -gt 0 ]; then set_kernel <"$tmp.in"; fi
  if ! renamed=$(mv -f "$tmp" "$file" 2>&1); then
    if [ "$set_size" -gt 0 ]; then
      to_kernel u "$undo_size" <"$tmp.in" || fail torn "$renamed
$problem"
    fi
    fail file "$renamed"
  fi
  to_disk "$dir"
else
  set_kernel
fi

echo "written=yes"
if [ "$set_size" -gt 0 ]; then
  show limits "$limits"
  show stats "$root/proc/uid_mem/stats"
fi
clean
echo "uid_mem_end"
"""
)
