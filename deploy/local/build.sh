# shellcheck shell=bash disable=SC2154
# Sourced: builds the services for release and puts them into .local/bin.

# A fingerprint of everything that the build reads: names, sizes and times, no git needed.
source_fingerprint() {
    {
        find "$root/Package.swift" "$root/Shared" "$root/Services" -type f \
            ! -name '*.md' -printf '%P %s %T@\n' | sort
        stat -L -c '%n %s %Y' "$(type -P swift)"
        printf '%s\n' "${services[@]}" "${build_options[@]}"
    } | sha256sum | cut -d' ' -f1
}

build_options=(-c release --static-swift-stdlib)

services_are_built() {
    local name
    for name in "${services[@]}"; do [[ -x $state/bin/$name-service ]] || return 1; done
    [[ -f $state/build.stamp && $(<"$state/build.stamp") == "$1" ]]
}

build_services() {
    type -P swift >/dev/null || fail "there is no swift on the PATH." \
        "Install the Swift 6.3 toolchain from swift.org and try again."
    local fingerprint
    fingerprint=$(source_fingerprint)
    if services_are_built "$fingerprint"; then
        step_done build "nothing changed"
        return
    fi
    printf '  building %d services for release; the first time takes some minutes\n' \
        "${#services[@]}"
    mkdir -p "$state/bin" "$logs"
    local name directory
    : >"$logs/build.log"
    for name in "${services[@]}"; do
        build_product "$name-service"
    done
    directory=$(swift build --package-path "$root" "${build_options[@]}" --show-bin-path)
    for name in "${services[@]}"; do
        install_product "$directory/$name-service" "$state/bin/$name-service"
    done
    printf '%s\n' "$fingerprint" >"$state/build.stamp"
    step_done build "${#services[@]} services, release"
}

build_product() {
    local product=$1 started
    started=$(now_milliseconds)
    if ! with_progress "$product" "$logs/build.log" \
        swift build --package-path "$root" "${build_options[@]}" --product "$product"; then
        grep -E 'error:' "$logs/build.log" | sort -u | head -n 20 >&2
        fail "$product does not build." "See $logs/build.log"
    fi
    printf '    %-20s %6s s\n' "$product" "$(seconds_since "$started")"
}

# A copy under a new name takes the old one's place, so a running service is not disturbed. Only
# debug information goes: names stay, for crash reports.
install_product() {
    local from=$1 to=$2
    if type -P strip >/dev/null; then
        strip --strip-debug -o "$to.new" "$from"
    else
        cp "$from" "$to.new"
    fi
    if cmp -s "$to.new" "$to"; then rm "$to.new"; else mv "$to.new" "$to"; fi
}
