# shellcheck shell=bash disable=SC2154
# Sourced by deploy/test: faults of the stack under a play. `on_stack`, `stack` and `log` are its.

# A killed service comes back by itself, and meanwhile every answer is a proper one.
comes_back() {
    local pid
    pid=$(<"$stack/run/$1.pid")
    kill -KILL "$pid"
    wait_until 40 came_back "$1" "$pid"
}

# The demo, while one part after another is killed and comes back.
under_fire() {
    local demo name pid code=0
    on_stack "$root/deploy/demo" --times 2 &
    demo=$!
    while kill -0 "$demo" 2>/dev/null; do
        for name in "${services[@]}" clickhouse mail-sink redis; do
            kill -0 "$demo" 2>/dev/null || break
            pid=$(<"$stack/run/$name.pid")
            kill -KILL "$pid" && printf 'killed %s\n' "$name"
            wait_until 40 came_back "$name" "$pid" || printf '%s stays away\n' "$name"
        done
    done
    wait "$demo" || code=$?
    return "$code"
}

came_back() {
    local pid
    pid=$(cat "$stack/run/$1.pid" 2>/dev/null) || return 1
    [[ $pid != "$2" ]] && on_stack "$root/deploy/status" >/dev/null
}

# Where each service dies, in the middle of the play. The integration tests take every point.
declare -rA crash_points=(
    [client]=client.subscriber.before_commit
    [campaign]=campaign.change.after_commit_before_reply
    [event]=event.append.after_commit_before_reply
    [referral]=referral.conversion.after_commit_before_reply
    [reward]=reward.grant.after_commit_before_reply
    [notification]=notification.send.after_commit_before_reply
    [analytics]=analytics.insert.after_outside_call_before_record
    [workflow]=workflow.step.after_outside_call_before_record
)

# The demo, while the service dies at its point, again and again until its settings are mended.
demo_at_crash_point() {
    local name=$1 point=${crash_points[$1]} code=0 mender
    local mark=$log/$point.mark settings=$stack/settings/$1.env
    printf '%s dies at %s\n' "$name" "$point"
    mkdir -p "$stack/settings"
    printf 'GRAPEVINE_CRASH_AT=%s\nGRAPEVINE_CRASH_MARK=%s\n' "$point" "$mark" >"$settings"
    on_stack "$root/deploy/up" --detach >/dev/null || code=$?
    mend_once_dead "$mark" "$settings" &
    mender=$!
    on_stack "$root/deploy/demo" || code=$?
    wait "$mender" || { printf '%s was never reached\n' "$point" && code=1; }
    return "$code"
}

# mend_once_dead MARK SETTINGS
mend_once_dead() {
    local reached=0
    wait_until 60 test -s "$1" || reached=1
    rm -f "$2"
    on_stack "$root/deploy/up" --detach >/dev/null
    return "$reached"
}

# The demo, while ClickHouse is away for its first ten seconds and more: the play waits for the
# dashboard at the end, everything before it must not notice.
demo_without_clickhouse() {
    local demo code=0 end=$((SECONDS + 10)) pid
    on_stack "$root/deploy/demo" &
    demo=$!
    while ((SECONDS < end)); do
        pid=$(cat "$stack/run/clickhouse.pid" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null || true
        sleep 0.1
    done
    printf 'ClickHouse may come back\n'
    wait "$demo" || code=$?
    return "$code"
}

# Also waits for what is on its way; anything missing, different or there twice is wrong at once.
archive_is_whole() { wait_until 60 archive_has_all; }

archive_has_all() {
    local variables report
    mapfile -t variables < <(grep -E '^[A-Z][A-Z0-9_]*=' "$stack/env/analytics.env")
    report=$(env -i PATH="$PATH" "${variables[@]}" \
        "$stack/bin/analytics-service" verify-stream --whole) || return 1
    printf '%s\n' "$report"
}
