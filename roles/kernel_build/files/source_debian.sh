#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Brings Debian's linux-source package of a kernel series into the cache.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"
# shellcheck source-path=SCRIPTDIR source=debian_archive.sh
. "$(dirname "$(readlink -f "$0")")/debian_archive.sh"

help() {
    cat <<'END'
usage: source_debian.sh --series X.Y --suite NAME --cache DIR [option...]

Brings Debian's linux-source-X.Y package into DIR/sources and prints where it is as JSON
(name, version, file, sha256, warning). apt does the work with all its checks (signature of
the index, SHA-256 of the package) in a private state under DIR/apt, so that nothing of the
host's own apt changes and no privilege is needed.

  --series X.Y             kernel series, e.g. 6.1
  --suite NAME             Debian suite that carries it, e.g. bookworm; its -security suite
                           is used as well, except for sid
  --cache DIR              cache directory
  --version V              this version of the package (default: the newest)
  --mirror URL             mirror of the suite (default: the one the host uses for Debian)
  --security-mirror URL    same for the security suite
  --max-age HOURS          index older than that is refreshed (default: 24)
  --keyring FILE           keys that may sign the index
                           (default: /usr/share/keyrings/debian-archive-keyring.gpg)

When the mirror can't be reached the newest package in the cache is used, with a warning.
END
}

series='' suite='' cache='' version='' mirror='' security_mirror='' max_age=24
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
while [ $# -gt 0 ]; do
    case $1 in
    --help) help; exit 0 ;;
    --series) need_value "$1" $#; series=$2; shift ;;
    --suite) need_value "$1" $#; suite=$2; shift ;;
    --cache) need_value "$1" $#; cache=$(readlink -m "$2"); shift ;;
    --version) need_value "$1" $#; version=$2; shift ;;
    --mirror) need_value "$1" $#; mirror=$2; shift ;;
    --security-mirror) need_value "$1" $#; security_mirror=$2; shift ;;
    --max-age) need_value "$1" $#; max_age=$2; shift ;;
    --keyring) need_value "$1" $#; keyring=$2; shift ;;
    *) usage_error "unknown option $1" ;;
    esac
    shift
done
[ -n "$series" ] || usage_error "--series is missing"
[ -n "$suite" ] || usage_error "--suite is missing"
[ -n "$cache" ] || usage_error "--cache is missing"
[[ $max_age =~ ^[0-9]+$ ]] || usage_error "--max-age is a number of hours, not $max_age"

package=linux-source-$series
sources=$cache/sources
state=$cache/apt/$suite
warning=''
asked="$package $version $mirror $security_mirror $keyring"

write_apt_state() {
    local main security lines
    [ -r "$keyring" ] || die "The keyring $keyring is missing: install the package debian-archive-keyring."
    main=${mirror:-$(debian_mirror main)}
    security=${security_mirror:-$(debian_mirror security)}
    [ -n "$main" ] || die "This host's apt knows no Debian archive: set kernel_build_mirror."
    [ -n "$security" ] || [ "$suite" = sid ] ||
        die "This host's apt knows no archive of Debian's security updates: set kernel_build_security_mirror."
    lines=("deb [signed-by=$keyring] $main $suite main")
    [ "$suite" = sid ] || lines+=("deb [signed-by=$keyring] $security $suite-security main")
    private_apt "$state" "${lines[@]}"
    # Half an index would name an old package as the newest.
    echo 'APT::Update::Error-Mode "any";' >> "$state/apt.conf"
}

refresh_index() {
    apt-get -c "$state/apt.conf" -qq update > "$state/update.log" 2>&1 || return 1
    printf '%s\n' "$asked" > "$state/asked"
    candidate > "$state/newest"
    touch "$state/refreshed"
}

# Another mirror has another index.
index_is_fresh() {
    [ "$(cat "$state/asked" 2>/dev/null)" = "$asked" ] &&
        [ -n "$(find "$state/refreshed" -mmin "-$((max_age * 60))" 2>/dev/null)" ]
}

# candidate: "version sha256" of the package in the index: the wanted version, or the newest, which comes first.
candidate() {
    { apt-cache -c "$state/apt.conf" show "$package${version:+=$version}" 2>/dev/null || true; } |
        awk '$1 == "Version:" { v = $2 }
             $1 == "SHA256:" { s = $2 }
             v != "" && s != "" { print v, s; exit }'
}

cached_file() { # VERSION
    printf '%s/%s_%s_all.deb' "$sources" "$package" "${1//:/%3a}"
}

# newest_cached: version of the newest (or the wanted) package in the cache.
newest_cached() {
    local file name best=
    for file in "$sources/${package}"_*_all.deb; do
        [ -e "$file" ] || continue
        name=${file##*/}
        name=${name#"${package}"_}
        name=${name%_all.deb}
        [ -z "$version" ] || [ "$name" = "${version//:/%3a}" ] || continue
        if [ -z "$best" ] || dpkg --compare-versions "$name" gt "$best"; then
            best=$name
        fi
    done
    printf '%s' "$best"
}

is_intact() { # FILE SHA256
    [ -e "$1" ] && [ "$(sha256sum < "$1" | cut -d' ' -f1)" = "$2" ]
}

download() { # VERSION SHA256
    local file
    file=$(cached_file "$1")
    (cd "$state/archives" && apt-get -c "$state/apt.conf" -qq download "$package=$1") > "$state/download.log" 2>&1 || return 1
    is_intact "$state/archives/${file##*/}" "$2" || return 1
    # The sum first: a package without one is not taken from the cache.
    printf '%s\n' "$2" > "$file.sha256"
    mv "$state/archives/${file##*/}" "$file"
}

print_source() { # VERSION SHA256
    printf '{"name": %s, "version": %s, "file": %s, "sha256": "%s", "warning": %s}\n' \
        "$(json_string "${package}_$1")" "$(json_string "$1")" "$(json_string "$(cached_file "$1")")" "$2" \
        "$(json_string "$warning")"
    exit 0
}

use_cached() {
    local found sum
    found=$(newest_cached)
    [ -n "$found" ] || return 0
    sum=$(cat "$(cached_file "$found").sha256" 2>/dev/null || true)
    is_intact "$(cached_file "$found")" "$sum" || return 0
    print_source "$found" "$sum"
}

command -v apt-get > /dev/null || die "apt-get is missing: Debian sources are fetched with it. Use kernel_build_source: directory."
mkdir -p "$cache/apt" "$sources"
exec 9> "$cache/apt/$suite.lock"
flock 9

# Nothing to ask: a given version that is there, or the newest one of an index that is fresh.
if [ -n "$version" ]; then
    use_cached
elif index_is_fresh && read -r newest sum < "$state/newest" && is_intact "$(cached_file "$newest")" "$sum"; then
    print_source "$newest" "$sum"
fi

write_apt_state
index_is_fresh || refresh_index ||
    warning="The package index of $suite can't be refreshed ($(apt_error "$state/update.log"))."
found=$(candidate)
if [ -n "$found" ]; then
    read -r newest sum <<< "$found"
    if is_intact "$(cached_file "$newest")" "$sum" || download "$newest" "$sum"; then
        print_source "$newest" "$sum"
    fi
    # A point release replaced the one that our index still names.
    if refresh_index; then
        read -r newest sum <<< "$(candidate)"
        if [ -n "${newest:-}" ] && download "$newest" "$sum"; then
            print_source "$newest" "$sum"
        fi
    fi
    warning=${warning:-"$package $newest can't be downloaded ($(apt_error "$state/download.log"))."}
fi
if [ -n "$warning" ]; then
    warning="$warning The newest source in the cache is used."
    use_cached
    die "${warning% The newest*} No $package${version:+ $version} is in $sources either." \
        "Check the network and kernel_build_mirror, or build from a local tree with kernel_build_source: directory."
fi
die "Debian $suite has no $package${version:+ in version $version}." \
    "$({ apt-cache -c "$state/apt.conf" madison "$package" 2>/dev/null || true; } | awk -F' *\\| *' 'BEGIN { printf "It has:" } { printf " %s", $2 } END { if (!NR) printf " none"; print "." }')"
