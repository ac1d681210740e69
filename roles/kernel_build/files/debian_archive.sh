# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Packages of a Debian suite that need not be the host's: apt with all its checks (signature of the
# index, SHA-256 of a package) in a private state, so that nothing of the host's own apt changes and
# no privilege is needed. Used by this role and by uid_mem.

# debian_mirror main|security: what the host itself uses for Debian, empty if nothing. Before the
# first `apt-get update` there are no labels, and the path has to tell.
debian_mirror() {
    local want=Debian path='/debian/?$'
    [ "$1" = main ] || { want=Debian-Security path='/debian-security/?$'; }
    # shellcheck disable=SC2016 # apt's variables, not the shell's
    { apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null || true; } |
        awk -v want="$want" -v path="$path" 'NF == 2 && $1 == want { print $2; exit } NF == 1 && $1 ~ path { print $1; exit }'
}

# private_apt STATE LINE...: makes STATE, whose apt.conf (for apt's option -c) knows just these
# lines of a sources.list.
private_apt() {
    local state=$1
    shift
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    : > "$state/status"
    printf '%s\n' "$@" > "$state/sources.list"
    # Read after the host's own configuration: its proxies stay in force, its hooks don't run.
    cat > "$state/apt.conf" <<END
Dir::State "$state";
Dir::State::lists "$state/lists";
Dir::State::status "$state/status";
Dir::Cache "$state";
Dir::Cache::archives "$state/archives";
Dir::Etc::sourcelist "$state/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
APT::Sandbox::User "root";
APT::Default-Release "";
APT::Get::List-Cleanup "true";
Acquire::Languages { "none"; };
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
END
}

# apt_error LOG: what apt said first about what went wrong.
apt_error() {
    grep -m 1 '^[EW]:' "$1" || tail -n 1 "$1"
}
