#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs in the root directory that tests/selftests/build makes: compiles the
# selftests of /build/collections in /build/linux, and leaves /build/out.tar with
# the file system root.img, the list of tests, and the names of the programs
# that do not compile.
set -eu
cd /build/linux
collections=
while read -r name; do
    [ ! -d "tools/testing/selftests/$name" ] || collections="$collections $name"
done </build/collections

# khugepaged.c of 6.12.118 uses the constant without the header that has it.
selftests() {
    make -C tools/testing/selftests -j "$(nproc)" TARGETS="$collections" SKIP_TARGETS= KSFT_INSTALL_PATH=/selftests \
        EXTRA_CFLAGS=-DKSFT_SKIP=4 "$@"
}

make -s -j "$(nproc)" headers
selftests -k all >/build/compile.log 2>&1 || true
cat /build/compile.log
# A program that does not compile would leave its whole collection out: another
# takes its place, which says so and counts as skipped.
mkdir -p /build/out
sed -n 's|.*: /build/linux/tools/testing/selftests/\([^]]*\)\] Error.*|\1|p' /build/compile.log | sort -u >/build/out/not-built
while read -r name; do
    printf '#!/bin/sh\necho "1..0 # SKIP it does not compile"\nexit 4\n' >"tools/testing/selftests/$name"
    chmod +x "tools/testing/selftests/$name"
done </build/out/not-built
selftests install
sort -u /selftests/kselftest-list.txt >/build/out/list
[ -s /build/out/list ]

# The guest's root: this one without what only the build needs.
mkdir /stage
tar -c --one-file-system -C / --exclude=./build --exclude=./stage --exclude=./usr/include --exclude='./usr/lib/gcc*' \
    --exclude='./usr/libexec/gcc*' --exclude='./usr/share/[dilm]*' --exclude='./var/cache/*' --exclude='./var/lib/apt/*' \
    --exclude='./*.a' . | tar -x -C /stage
mkdir -p /stage/usr/lib/selftests /stage/payload
# Shells give up an effective UID that is not the real one, unless they are told.
mv /stage/usr/bin/bash /stage/usr/lib/selftests/bash
gcc -O2 -Wall -Wextra -Werror -o /stage/usr/bin/bash /build/keep_privileges.c
rm -f /stage/usr/bin/sh /stage/usr/bin/dash
cp /stage/usr/bin/bash /stage/usr/bin/sh
mke2fs -q -t ext4 -m 0 -L selftests -d /stage /build/out/root.img 1536M
# Most of it is holes.
tar -c -S -f /build/out.tar -C /build/out .
