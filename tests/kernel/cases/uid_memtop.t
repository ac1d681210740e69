#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# uid_memtop shows who uses how much of their limit: once, as a table for
# programs, and live in a terminal, with the latest events below.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

# shellcheck disable=SC2016  # for awk
field() { uid_memtop --once | awk -v uid="$1" -v nr="$2" '$1 == uid { print $nr }'; }
first_column() { uid_memtop --once "$@" | sed 1d | cut -d' ' -f1 | tr '\n' ' '; }
# The last complete picture, without what is not text.
picture() {
    tr -d '\r' </tmp/screen | awk 'BEGIN { RS = "\033\\[H" } { last = before; before = $0 } END { print last }' |
        sed "s/$(printf '\033')\[[0-9?]*[A-Za-z]//g"
}
shows() { picture >/tmp/picture && grep -q -- "$1" /tmp/picture; }
type_key() { printf '%b' "$1" >&7; }

mkdir -p /etc
echo 'root:x:0:0::/:/bin/sh
ann:x:2001:2001::/:/bin/sh' >/etc/passwd
limits '2001 max=64M high=32M' '2002-2009 max=256M' '2004 max=max' '2003 max=96M'
is 'no process: the names of the columns' "$(uid_memtop --once)" 'UID USER USAGE MAX PERCENT HIGH PEAK PROCS KILLS'
for uid in 2001 2002 2003 2004; do
    puppet "p$uid" "$uid"
done
does p2001 use 24M
does p2002 use 48M
dies p2003 use 128M
does p2004 use 96M
near 'usage is that of the hog' "$(field 2001 3)" "$(stat_of 2001 usage)" $((mib / 4))
is 'the line of a user' "$(uid_memtop --once | sed -n 's/^\(2001 ann\) [0-9]* \(67108864\) [0-9.]* \(33554432\) [0-9]* \(1 0\)$/\1 \2 \3 \4/p')" \
    '2001 ann 67108864 33554432 1 0'
near 'per cent' "$(field 2001 5 | cut -d. -f1)" $(($(stat_of 2001 usage) * 100 / 67108864)) 1
is 'no name, no limit, no high mark' "$(field 2004 2) $(field 2004 4) $(field 2004 5) $(field 2004 6)" '- max - max'
is 'by per cent' "$(first_column)" '2001 2002 2003 2004 '
is 'by usage' "$(first_column --sort usage)" '2004 2002 2001 2003 '
is 'by kills' "$(first_column --sort kills)" '2003 2001 2002 2004 '
is 'by UID' "$(first_column --sort uid)" '2001 2002 2003 2004 '
is 'others see themselves' "$(as 2002 uid_memtop --once | cut -d' ' -f1 | tr '\n' ' ')" 'UID 2002 '
is 'no terminal' "$(uid_memtop 2>&1; echo $?)" 'uid_memtop: input or output is not a terminal; for a table, give --once
1'

mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
rm -f /tmp/keys
mkfifo /tmp/keys
terminal 100 24 uid_memtop --interval 0.2 </tmp/keys >/tmp/screen &
terminal=$!
exec 7>/tmp/keys
ok_soon 'the live view' shows '^ *2001 ann .*\[|||*.*:.*\].*%.*64.*M'
comment </tmp/picture
is 'by per cent too' "$(sed -n 's/^ *\(20..\) .*/\1/p' /tmp/picture | tr '\n' ' ')" '2001 2002 2003 2004 '
ok 'with the events' grep -q '^[0-9:]* kill uid=2003 pid=[0-9]* comm="puppet"' /tmp/picture
ok 'not more lines than the terminal has' [ "$(sed '$d' /tmp/picture | wc -l)" -le 24 ]
ok 'none is too long' [ "$(awk '{ if (length > n) n = length } END { print n }' /tmp/picture)" -le 100 ]
type_key u
ok_soon 'u: by usage' shows 'by usage'
is 'in that order' "$(sed -n 's/^ *\(20..\) .*/\1/p' /tmp/picture | tr '\n' ' ')" '2004 2002 2001 2003 '
type_key r
ok_soon 'r: the other way round' shows 'by usage (reverse)'
is 'in that order, too' "$(sed -n 's/^ *\(20..\) .*/\1/p' /tmp/picture | tr '\n' ' ')" '2003 2001 2002 2004 '
type_key i
ok_soon 'i: by UID' shows 'by uid '
type_key k
ok_soon 'k: by kills' shows 'by kills '
type_key 'p\033[B'
ok_soon 'down: from the second on' eval 'shows "by percent" && ! grep -q "^ *2001 " /tmp/picture'
type_key '\033[A'
ok_soon 'up: from the first on' shows '^ *2001 '
does p2001 use 24M
ok_soon 'it follows' eval "shows '^ *2001 ann' && grep -q '^[0-9:]* high uid=2001 ' /tmp/picture"
# The terminal's name is the first line.
tty=$(sed -n '1s/\r//; 1p' /tmp/screen)
stty -F "$tty" rows 12 columns 60
fits() { [ "$(picture | sed '$d' | wc -l)" -le 12 ] && shows '^ *2001 ann *[0-9]*%' && ! shows '|||'; }
ok_soon 'a smaller terminal: fewer lines, and no bars' fits
rmmod uid_mem
ok_soon 'without the module it says so' shows 'The module is not loaded'
insmod /t/uid_mem.ko
ok_soon 'and goes on' shows 'No user that has a limit has a process'
type_key q
wait "$terminal"
is 'q: the end' $? 0
restores_the_terminal() { tail -c 32 /tmp/screen | grep -q "$(printf '\033\\[?25h\033\\[?1049l')"; }
ok 'with the terminal as it was' restores_the_terminal
terminal 80 24 sh -c 'stty -a >/tmp/before; uid_memtop; stty -a >/tmp/after' </tmp/keys >/tmp/screen &
terminal=$!
ok_soon 'again' shows 'uid_memtop: 0 users'
type_key '\003'
wait "$terminal"
ok_soon '^C: the end as well' test -s /tmp/after
ok 'and the terminal as it was' cmp -s /tmp/before /tmp/after
exec 7>&-
umount /dev/pts
rm -f /etc/passwd
done_testing
