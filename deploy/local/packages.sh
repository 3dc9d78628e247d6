# shellcheck shell=bash disable=SC2154
# Sourced: installs the Debian packages of deploy/packages that are missing, asking nothing. With
# `for_tests=yes` also what only the tests need.

package_list() {
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/deploy/packages" |
        awk -v for_tests="${for_tests:-no}" '$2 != "tests" || for_tests == "yes" { print $1 }'
}

missing_packages() {
    local name
    while read -r name; do
        dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$name"
    done < <(package_list)
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

# Installs, and leaves the packages' own services as they were: not started, no cluster made, not
# enabled at boot when the package is new.
install_missing_packages() {
    local missing
    type -P dpkg-query >/dev/null || {
        printf '  this is not Debian: deploy/packages says what must be there\n'
        return
    }
    # One question for all is quick; only when the answer is no, ask for each.
    mapfile -t missing < <(all_installed || missing_packages)
    if ((${#missing[@]} == 0)); then
        step_done packages "nothing is missing"
        return
    fi
    if ((EUID != 0)) && ! sudo -n true 2>/dev/null; then
        fail "these Debian packages are missing: ${missing[*]}" \
            "Run this as root or with a sudo that asks nothing, or install them:" \
            "apt-get install --no-install-recommends ${missing[*]}"
    fi
    printf '  installing %s\n' "${missing[*]}"
    mkdir -p "$logs"
    (
        guard_on
        trap guard_off EXIT
        apt update && apt install --no-install-recommends "${missing[@]}"
    ) >"$logs/packages.log" 2>&1 || {
        tail -n 15 "$logs/packages.log" >&2
        fail "the packages could not be installed." "See $logs/packages.log"
    }
    disable_new_services "${missing[@]}"
    step_done packages "${#missing[@]} installed"
}

all_installed() {
    local wanted states
    mapfile -t wanted < <(package_list)
    states=$(dpkg-query -W -f='${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null) || return 1
    ! grep -qvx installed <<<"$states"
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get -y -q \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# While packages are installed, policy-rc.d forbids their scripts to start anything.
guard_on() {
    guard_made=no
    if [[ ! -e /usr/sbin/policy-rc.d ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
        as_root chmod 755 /usr/sbin/policy-rc.d
        guard_made=yes
    fi
    as_root mkdir -p "$cluster_rule_directory"
    printf 'create_main_cluster = false\n' |
        as_root tee "$cluster_rule_directory/grapevine.conf" >/dev/null
}

cluster_rule_directory=/etc/postgresql-common/createcluster.d

guard_off() {
    [[ ${guard_made:-no} == no ]] || as_root rm -f /usr/sbin/policy-rc.d
    as_root rm -f "$cluster_rule_directory/grapevine.conf"
}

disable_new_services() {
    [[ -d /run/systemd/system ]] || return 0
    local name
    for name in "$@"; do
        grep -qE "^${name}[[:space:]]+server" "$root/deploy/packages" || continue
        case $name in postgresql-*) name=postgresql ;; esac
        as_root systemctl disable --quiet "$name.service" >/dev/null 2>&1 || true
    done
}
