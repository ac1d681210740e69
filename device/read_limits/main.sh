# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Arguments: root, limits file ("" not to look at it, "own" for the one of this kind of device), what to tell besides
# the features (words), the largest number of events, how many groups, their names, names of users.

LC_ALL=C
export LC_ALL
root=$1 path=$2 parts=" $3 " max_events=$4 groups=$5
shift 5
release=$(uname -r)
android=no
if [ -e "$root/system/bin/sh" ] && [ -d "$root/data/local" ]; then android=yes; fi

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
		sed -n -e "s/^Uid:[^0-9]*\\([0-9]*\\).*/|Uid \\1/p" -e "/^Rss[AFS]/s/^/|/p" -e "/^VmSwap/s/^/|/p"
	echo "end processes 0"
}

# What kind of container this is. Those of systemd say so in a file, for everybody to read.
kind_of_container() {
	if [ -e "$root/.dockerenv" ]; then
		echo docker
	elif [ -e "$root/run/.containerenv" ]; then
		echo podman
	elif [ -s "$root/run/systemd/container" ]; then
		cat "$root/run/systemd/container"
	elif [ -r "$root/proc/1/environ" ]; then
		tr "\000" "\n" <"$root/proc/1/environ" | sed -n "s/^container=\\([a-z-]*\\).*/\\1/p"
	fi
} 2>/dev/null

# All users, as far as the sources of users tell; a directory service may tell of none.
all_users() {
	getent passwd || cat "$root/etc/passwd"
} 2>/dev/null

line_of_group() {
	getent group "$1" && return
	while IFS= read -r line; do
		case $line in "$1":*) printf "%s\n" "$line" ;; esac
	done <"$root/etc/group"
} 2>/dev/null

# The UIDs of those whose primary group it is, and of those it lists.
show_members() {
	line=$(line_of_group "$1")
	if [ -z "$line" ]; then
		echo "|unknown"
		return
	fi
	echo "|group"
	listed=${line##*:}
	line=${line%:*}
	all_users | sed -n "s/^[^:]*:[^:]*:\\([0-9]*\\):${line##*:}:.*/|\\1/p"
	while [ -n "$listed" ]; do
		echo "|$(id -u -- "${listed%%,*}" 2>/dev/null)"
		case $listed in
		*,*) listed=${listed#*,} ;;
		*) listed="" ;;
		esac
	done
}

# The UIDs with a shell to log in to, and their names.
show_logins() {
	echo "begin logins"
	{
		all_users
		for name do getent passwd "$name" 2>/dev/null; done
	} | sed -n -e "/nologin$/d" -e "/false$/d" -e "/sync$/d" -e "s/^\\([^:]*\\):[^:]*:\\([0-9]*\\):.*/|\\2 \\1/p"
	echo "end logins 0"
}

# The UIDs of the events, and their names. They are read once more: no reader takes an event away from another.
show_event_users() {
	echo "begin event_users"
	dd bs=2097152 count=1 <"$1" | tail -n "$max_events" | sed -n "s/.* uid=\\([0-9]*\\) .*/\\1/p" | sort -u | {
		if getent passwd 0 >/dev/null; then xargs getent passwd; else cat "$root/etc/passwd"; fi
	} | sed -n "s/^\\([^:]*\\):[^:]*:\\([0-9]*\\):.*/|\\2 \\1/p"
	echo "end event_users 0"
} 2>/dev/null

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
		if [ -n "$uid" ]; then printf "|%s\n" "$uid:$start:$count"; fi
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
	any_event=""
	if wait "$probe"; then
		any_event=yes
		dd bs=2097152 count=1 <"$1" 2>/dev/null | {
			if IFS= read -r first; then
				printf "%s\n" "first=$first"
				{ printf "%s\n" "$first"; cat; } | tail -n "$max_events" | sed "s/^/|/"
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
echo "android=$android"
echo "container=$(kind_of_container)"
if [ -d "$root/run/systemd/system" ] && command -v systemd-run >/dev/null; then echo "timer=systemd"; fi
echo "ram_kib=$(sed -n "s/^MemTotal: *\\([0-9]*\\) kB.*/\\1/p" "$root/proc/meminfo" 2>/dev/null)"
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
		echo "clock=$(date +%s)"
		show_events "$proc/events"
		if [ -n "$any_event" ]; then show_event_users "$proc/events"; fi
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
	if [ "$android" = yes ]; then path=/data/local/uid_mem/limits; fi
fi
printf "%s\n" "path=$path"
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
echo "begin members"
while [ "$groups" -gt 0 ]; do
	show_members "$1"
	shift
	groups=$((groups - 1))
done
echo "end members 0"
if wanted logins; then show_logins "$@"; fi
echo "begin users"
for name do
	printf "|%s\n" "$(id -u -- "$name" 2>/dev/null)"
done
echo "end users 0"
echo "uid_mem_end"
