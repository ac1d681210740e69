#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The unit tests of the pure parts, in the kernel.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

if [ ! -e /t/uid_mem_test.ko ]; then
    skip 'KUnit' 'uid_mem_test.ko was not built'
    done_testing
fi
ok 'the tests are loaded' insmod /t/uid_mem_test.ko
results=$(cat /sys/kernel/debug/kunit/uid_mem*/results)
echo "$results" | comment
is 'none failed' "$(echo "$results" | grep -c 'not ok ')" 0
ok 'some passed' [ "$(echo "$results" | grep -c '^ *ok ')" -gt 1 ]
ok 'they are unloaded' rmmod uid_mem_test
done_testing
