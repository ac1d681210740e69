#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Configures a kernel tree and proves that what was asked for is in force.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: make_config.sh [option...] TREE FRAGMENT...

Writes TREE/.config: the base, then every FRAGMENT merged over it in this order
(scripts/kconfig/merge_config.sh), then the answers to what is left (make olddefconfig).
Fails when a line of a FRAGMENT is not in force afterwards and names what it depends on.

  --base FILE          start from this configuration, plain or .gz (default: make allnoconfig)
  --localversion TEXT  suffix of the kernel release
END
}

base='' localversion=''
while [ $# -gt 0 ]; do
    case $1 in
    --help) help; exit 0 ;;
    --base) need_value "$1" $#; base=$2; shift ;;
    --localversion) need_value "$1" $#; localversion=$2; shift ;;
    -*) usage_error "unknown option $1" ;;
    *) break ;;
    esac
    shift
done
[ $# -ge 2 ] || usage_error "TREE and FRAGMENT are needed"
tree=$1
shift
fragments=()
for fragment; do
    fragments+=("$(readlink -f "$fragment")")
done
[ -z "$base" ] || base=$(readlink -f "$base")
cd "$tree"

write_base() {
    case $base in
    '') make -s allnoconfig ;;
    *) if gzip -t "$base" 2>/dev/null; then zcat "$base"; else cat "$base"; fi > .config ;;
    esac
}

# A distribution's configuration names its own certificates, which only its own package has.
drop_missing_keys() {
    local option file
    for option in SYSTEM_TRUSTED_KEYS SYSTEM_REVOCATION_KEYS MODULE_SIG_KEY; do
        file=$(sed -n "s/^CONFIG_$option=\"\(.*\)\"/\1/p" .config)
        case $file in
        '' | certs/signing_key.pem | pkcs11:* | /*) continue ;;
        esac
        [ -e "$file" ] || {
            echo "$option: $file is not in this source, dropped"
            if [ "$option" = MODULE_SIG_KEY ]; then file=certs/signing_key.pem; else file=''; fi
            scripts/config --set-str "$option" "$file"
        }
    done
}

# wanted: the lines asked for; of several for one option the last.
wanted() {
    awk 'match($0, /^CONFIG_[A-Za-z0-9_]+=/)             { name = substr($0, 1, RLENGTH - 1) }
         match($0, /^# CONFIG_[A-Za-z0-9_]+ is not set$/) { name = $2 }
         name { if (!(name in line)) order[++n] = name; line[name] = $0; name = "" }
         END { for (i = 1; i <= n; i++) print line[order[i]] }' "${fragments[@]}"
}

# option_of LINE: the option's name without CONFIG_.
option_of() {
    local option=${1#\# }
    option=${option#CONFIG_}
    option=${option%%=*}
    printf '%s' "${option%% *}"
}

# dependencies OPTION: what its Kconfig entries depend on and who selects it; empty where there is no such option.
dependencies() {
    # shellcheck disable=SC2016 # awk's fields
    find . -name 'Kconfig*' -type f -print0 | xargs -0 awk -v option="$1" '
        BEGIN { while ((getline line < ".config") > 0) if (line ~ /^CONFIG_/) { sub(/=.*/, "", line); on[substr(line, 8)] } }
        FNR == 1 { name = "" }
        /^(menu)?config[ \t]/ { name = $2; if (name == option) print FILENAME ":" FNR ":" }
        /^(choice|endchoice|menu|endmenu|if|endif|source)/ { name = "" }
        /^[ \t]+select[ \t]/ && $2 == option && name in on { print "  selected by " name }
        name != option { next }
        /^[ \t]+depends on/ { sub(/^[ \t]+/, ""); print "  " $0 }
        /^[ \t]+(bool|tristate)[ \t].* if / { sub(/.* if /, ""); print "  can be changed if " $0 }
        /^[ \t]+(bool|tristate|def_bool.*|def_tristate.*)[ \t]*$/ { print "  has no prompt: its default or who selects it decides" }'
}

report_missing() {
    local line option found known
    wanted | while IFS= read -r line; do
        option=$(option_of "$line")
        found=$(grep -E "^(# )?CONFIG_${option}[= ]" .config || true)
        [ "$line" != "$found" ] || continue
        case $line in
        '#'*) [ -n "$found" ] || continue ;;
        esac
        echo "$line (is: ${found:-not there})"
        known=$(dependencies "$option")
        printf '%s\n' "${known:-no such option in this source: is the patch that brings it applied?}" | sed 's/^/    /'
    done
}

write_base
drop_missing_keys
cp .config .config.base
scripts/kconfig/merge_config.sh -m .config.base "${fragments[@]}"
if [ -n "$localversion" ]; then
    scripts/config --set-str LOCALVERSION "$localversion" --disable LOCALVERSION_AUTO
fi
make -s olddefconfig
rm -f .config.base
missing=$(report_missing)
[ -z "$missing" ] || die "These options are not in force in this kernel's configuration:"$'\n'"$(
    printf '%s\n' "$missing" | sed 's/^/  /')"
