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

# MARK: what was promised, kept by somebody outside

# faults ROUNDS POINTS: events flow while event-service, PostgreSQL, Redis and ClickHouse are killed
# at random, and while event-service and analytics-service die at their crash points (POINTS of
# them in each round, in turns). After each round: acknowledged = log = ClickHouse, by id and body
# hash; what was acknowledged has taken effect; views equal the events. Writes how many checks hold.
faults() {
    local rounds=$1 in_round=$2 round all next=0 index place=$stack/faults load
    fault_checks=(0 0)
    # shellcheck source=/dev/null
    source "$stack/demo.env"
    rm -rf "$place" && mkdir -p "$place"
    mapfile -t all < <(fault_points)
    for ((round = 1; round <= rounds; round++)); do
        printf 'round %s of %s\n' "$round" "$rounds"
        "$root/deploy/local/faults/load" --url "$GRAPEVINE_URL" --directory "$place" \
            --key "$GRAPEVINE_DEMO_SECRET_KEY" --client "$GRAPEVINE_DEMO_CLIENT_ID" \
            >"$place/load.log" 2>&1 &
        load=$!
        kill_at_random 15
        for ((index = 0; index < in_round; index++)); do
            holds "${all[next]} is reached" dies_at "${all[next]}" "$place" || true
            next=$(((next + 1) % ${#all[@]}))
        done
        kill -TERM "$load"
        holds "every answer is one that a sender can live with" wait "$load" || true
        sed 's/^/  /' "$place/load.log"
        holds "everything comes to rest" wait_until 120 all_at_rest || true
        holds "the log is in ClickHouse, by id and body hash" archive_is_whole || true
        collect_stores "$place"
        holds "what was promised is there, once" "$root/deploy/local/faults/compare" "$place" ||
            true
        holds "views equal the events" views_equal_events || true
    done
    printf '%d %d\n' "${fault_checks[@]}" >"$log/report"
    ((fault_checks[1] == 0))
}

# holds WORDS COMMAND...
holds() {
    local words=$1 code=0
    shift
    "$@" || code=$?
    if ((code == 0)); then
        fault_checks[0]=$((fault_checks[0] + 1))
        printf '  holds: %s\n' "$words"
    else
        fault_checks[1]=$((fault_checks[1] + 1))
        printf '  DOES NOT HOLD: %s\n' "$words"
    fi
    return "$code"
}

# Where an event can be lost or doubled on its way, as the programs list it.
fault_points() {
    local name
    for name in event analytics; do "$stack/bin/$name-service" --crash-points; done |
        grep -E '^(event\.append|analytics)\.'
}

# kill_at_random SECONDS
kill_at_random() {
    local end=$((SECONDS + $1)) victims=(event postgres redis clickhouse) name pid
    local turn=$RANDOM
    while ((SECONDS < end)); do
        # Everybody's turn comes, at moments that nobody knows.
        name=${victims[turn++ % ${#victims[@]}]}
        if pid=$(cat "$stack/run/$name.pid" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null; then
            printf '  killed %s\n' "$name"
        fi
        sleep "$((RANDOM % 3)).$((RANDOM % 10))"
    done
    wait_until 60 on_stack "$root/deploy/status" >/dev/null || printf '  not everything is back\n'
}

# dies_at POINT PLACE: the service dies there once, under the load, and comes back.
dies_at() {
    local name=${1%%.*} mark=$2/$1.mark code=0
    mkdir -p "$stack/settings"
    rm -f "$mark"
    printf 'GRAPEVINE_CRASH_AT=%s\nGRAPEVINE_CRASH_MARK=%s\n' "$1" "$mark" \
        >"$stack/settings/$name.env"
    on_stack "$root/deploy/up" --detach >/dev/null || code=$?
    wait_until 30 test -s "$mark" || code=1
    rm -f "$stack/settings/$name.env"
    on_stack "$root/deploy/up" --detach >/dev/null || code=$?
    return "$code"
}

# stack_rows SERVICE STATEMENT: tab-separated.
stack_rows() {
    local url
    url=$("$root/deploy/local/postgres" url "$stack/postgres")
    psql -qXAt -F $'\t' -v ON_ERROR_STOP=1 -d "${url%/*}/grapevine_$1" -c "$2"
}

archive_rows() {
    local url rest
    url=$(<"$stack/secrets/clickhouse-url")
    rest=${url#*://}
    curl -sS --fail-with-body --max-time 60 -u "${rest%%@*}" \
        "http://$(cut -d/ -f1 <<<"${rest#*@}")/?database=${url##*/}" --data-binary "$1"
}

all_at_rest() {
    local log_end cursors
    log_end=$(stack_rows event 'select sum(head) from log_shard') || return 1
    cursors=$(stack_rows analytics \
        "select sum(position) from messaging_cursor where subscriber = 'analytics'") || return 1
    [[ $log_end == "$cursors" ]] || return 1
    [[ $(stack_rows event 'select count(*) from log_shard join log_subscriber using (shard)
        where acknowledged < head') == 0 ]] || return 1
    [[ $(stack_rows analytics 'select count(*) from dirty_hour') == 0 ]]
}

collect_stores() {
    stack_rows event "select replace(identity::text, '-', ''), replace(body_hash::text, '-', '')
        from event_identity" >"$1/log"
    archive_rows "SELECT event_id, uniqExact(position), lower(hex(any(SHA256(properties))))
        FROM events WHERE from_service = 0 AND startsWith(event_id, 'fault-')
        GROUP BY event_id FORMAT TabSeparated" >"$1/archive"
    stack_rows client "select external_id, traits ->> 'number' from participant
        where external_id like 'person-%'" >"$1/people"
}

views_equal_events() {
    local different
    different=$(archive_rows "SELECT count() FROM (
        SELECT client_id, campaign_id, event, hour, sum(raw) AS of_events, sum(view) AS of_view
        FROM (
            SELECT client_id, campaign_id, event, toStartOfHour(occurred_at, 'UTC') AS hour,
                uniqExact(position) AS raw, toUInt64(0) AS view
            FROM events GROUP BY client_id, campaign_id, event, hour
            UNION ALL
            SELECT client_id, campaign_id, event, hour, toUInt64(0) AS raw,
                uniqExactMerge(events) AS view
            FROM campaign_hourly_stats GROUP BY client_id, campaign_id, event, hour
        ) GROUP BY client_id, campaign_id, event, hour HAVING of_events != of_view)")
    printf '  hours in which views and events differ: %s\n' "$different"
    [[ $different == 0 ]]
}
