# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Arguments: root, limits file ("" where the task leaves it out), the sums of file and kernel table that were read, the
# size of the new file (-1 to leave it), of the lines for the kernel (0 to leave it) and of those that take them back,
# in bytes. Where the limits are for a while only, besides: for how many seconds, what ends them (systemd, or a process),
# the program that does, and its arguments behind the first.
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

LC_ALL=C
export LC_ALL
umask 022
root=$1 limits=$1/proc/uid_mem/limits path=$2 file=$1$2 file_seen=$3 kernel_seen=$4 file_size=$5 set_size=$6 undo_size=$7
shift 7
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
	printf "%s\n" "$2" | sed "s/^/|/"
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
			# A user that cannot lock here cannot write the file.
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

# A timer of systemd reads $NAME in words as a variable of its own, and $$ as a dollar.
dollars() {
	printf "%s\n" "$1" | sed "s/[\$]/\$\$/g"
}

# note_ending SECONDS {UIDS WHAT}...: for the role, which removes other limits that are not declared. Each line has when it ends, in
# seconds since the boot. Both directories are empty after a boot. Where the file cannot be written, the limits end all the same.
note_ending() {
	ends=$root/run/uid_mem.for
	if [ ! -d "$root/run" ]; then ends=$root/dev/uid_mem.for; fi
	now=$(uptime_s)
	until=$((now + $1))
	shift
	{
		if [ -r "$ends" ]; then
			while read -r end rest; do
				if [ "$end" -gt "$now" ]; then echo "$end $rest"; fi
			done <"$ends"
		fi
		while [ $# -gt 1 ]; do
			echo "$until $1 $2"
			shift 2
		done
	} >"$ends.$$" && mv -f "$ends.$$" "$ends"
}

# end_later SECONDS HOW PROGRAM FILE ARGUMENT...: set up before anything is changed. Where the limits are not in force then, or
# are others, the program leaves them.
end_later() {
	seconds=$1 how=$2 program=$3 of_file=$4
	shift 4
	(note_ending "$seconds" "$@") 2>/dev/null
	if [ "$how" = systemd ]; then
		problem=$(systemd-run --quiet --collect --on-active="$seconds" --timer-property=AccuracySec=1s \
			sh -c "$(dollars "$program")" uid_mem "$(dollars "$root")" "$(dollars "$of_file")" "$@" 2>&1) || fail timer "$problem"
		return
	fi
	# In a session of its own where that can be, so that it stays when the connection goes.
	own=""
	if command -v setsid >/dev/null; then own=setsid; fi
	(
		trap "" HUP
		exec $own sh -c "sleep $seconds; $program" uid_mem "$root" "$of_file" "$@"
	) </dev/null >/dev/null 2>&1 &
}

echo "uid_mem_write 1"
trap "clean; exit 1" HUP INT PIPE TERM

if [ -n "$path" ]; then
	if [ -h "$file" ]; then
		file=$(readlink -f "$file") || fail file "the link $path leads nowhere"
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
if [ $# -gt 0 ]; then end_later "$@"; fi

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
			to_kernel u "$undo_size" <"$tmp.in" || fail incomplete "$renamed
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
