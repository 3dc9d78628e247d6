# shellcheck shell=bash disable=SC2154
# Sourced by deploy/up: starts what does not run, and restarts what changed.

# What a program was started from; when it differs, the program is started again.
fingerprint_of() { cat "$@" 2>/dev/null | sha256sum | cut -d' ' -f1; }

# keep NAME PORT FINGERPRINT STOP_SIGNAL ENVIRONMENT COMMAND...: leaves an unchanged program alone.
keep() {
    local name=$1 its_port=$2 fingerprint=$3 signal=$4 environment=$5
    shift 5
    if supervisor_pid "$name" >/dev/null; then
        [[ $(cat "$run/$name.fingerprint" 2>/dev/null) != "$fingerprint" ]] || return 0
    fi
    stop_supervised "$name"
    if port_is_open "$its_port"; then
        fail "port $its_port, meant for $name, is taken by another program." \
            "Choose other ports, for example: GRAPEVINE_PORT_BASE=9000 deploy/up" \
            "(9000 for the gateway, 9001 to 9008 for the services, 9020 to 9023 for the stores)"
    fi
    supervised "$name" "$signal" "$environment" "$@"
    printf '%s\n' "$fingerprint" >"$run/$name.fingerprint"
    started_names+=("$name")
}

started_names=()
# Statements are prepared once per connection and planned by statistics; what is planned while a
# table is empty stays until the table is analyzed. Ours grow from nothing within seconds, so the
# server looks often (a minute by default) and after little change (50 rows and a tenth by default).
# An eighth of the memory is its own, 256 MB to 2 GB: ids of events come in no order, and their
# index grows by 50 MB with each million. A new file of the server's own log is not written full of
# zeros first: everybody would wait for that every 16 MB, until the files come around again.
shared_megabytes=$(awk '/^MemTotal:/ {m = int($2 / 8192)}
    END {print (m < 256 ? 256 : (m > 2048 ? 2048 : m))}' /proc/meminfo)
postgres_settings=(
    autovacuum_naptime=10s autovacuum_analyze_threshold=20 autovacuum_analyze_scale_factor=0.05
    max_connections=200 "shared_buffers=${shared_megabytes}MB" max_wal_size=2GB wal_init_zero=off
    jit=off idle_in_transaction_session_timeout=60s log_min_duration_statement=1s)

say_started() {
    local label=$1 names="${started_names[*]}"
    step_done "$label" "${names:+started }${names:-run already}"
    started_names=()
}

start_stores() {
    keep postgres "${port[postgres]}" "${port[postgres]} ${postgres_settings[*]}" INT - \
        "$root/deploy/local/postgres" run "$state/postgres" "${port[postgres]}" \
        "${postgres_settings[@]}"
    keep redis "${port[redis]}" "${port[redis]}" TERM - \
        "$root/deploy/local/redis" run "$state/redis" "${port[redis]}"
    wait_until 60 postgres_answers || fail "PostgreSQL does not answer." "See deploy/logs postgres"
    wait_until 20 redis_answers || fail "Redis does not answer." "See deploy/logs redis"
    write_secret "$secrets/redis-url" "$("$root/deploy/local/redis" url "$state/redis")"
    [[ " ${stores[*]} " != *" clickhouse "* ]] || start_clickhouse
    [[ " ${stores[*]} " != *" mail-sink "* ]] || start_mail_sink
    say_started stores
}

start_clickhouse() {
    keep clickhouse "${port[clickhouse]}" "${port[clickhouse]}" TERM - \
        "$root/deploy/local/clickhouse" run "$state/clickhouse" "${port[clickhouse]}"
    wait_until 60 answers "http://127.0.0.1:${port[clickhouse]}/ping" ||
        fail "ClickHouse does not answer." "See deploy/logs clickhouse"
    write_secret "$secrets/clickhouse-url" \
        "$("$root/deploy/local/clickhouse" url "$state/clickhouse")"
}

# Takes every mail and keeps it as a file; sends none.
start_mail_sink() {
    mkdir -p "$state/mail"
    keep mail-sink "${port[mail-sink]}" "${port[mail-sink]}" TERM - \
        "$root/deploy/local/mail-sink" --port "${port[mail-sink]}" --directory "$state/mail"
    wait_until 20 port_is_open "${port[mail-sink]}" ||
        fail "the mail sink does not answer." "See deploy/logs mail-sink"
}

password_in() { sed -E 's|^[^:]*://[^:]*:([^@]*)@.*$|\1|' <<<"$1"; }

as_superuser() {
    local url
    url=$("$root/deploy/local/postgres" url "$state/postgres") || return 1
    # In the environment, where no list of processes shows the password.
    PGPASSWORD=$(password_in "$url") psql -X -q -At \
        -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "${port[postgres]}" -U postgres -d postgres "$@"
}

postgres_answers() { as_superuser -c 'select 1' >/dev/null 2>&1; }

redis_answers() {
    local url
    url=$("$root/deploy/local/redis" url "$state/redis" 2>/dev/null) || return 1
    [[ $(REDISCLI_AUTH=$(password_in "$url") redis-cli \
        -h 127.0.0.1 -p "${port[redis]}" ping 2>/dev/null) == PONG ]]
}

# One database and one role for each service; nobody else may connect to it.
create_databases() {
    local name present made=()
    present=$(as_superuser -c 'select datname from pg_database')
    for name in "${services[@]}"; do
        ! grep -qx "grapevine_$name" <<<"$present" || continue
        as_superuser >>"$logs/postgres.log" 2>&1 <<END ||
            drop role if exists grapevine_$name;
            create role grapevine_$name login password '$(<"$secrets/$name.postgres.password")';
            create database grapevine_$name owner grapevine_$name;
            revoke all on database grapevine_$name from public;
END
            fail "the database grapevine_$name could not be made." "See $logs/postgres.log"
        made+=("$name")
    done
    if ((${#made[@]} > 0)); then step_done databases "made for ${made[*]}"; fi
}

# The services bring their tables up to date by themselves when they start.
start_services() {
    local name binary
    for name in "${services[@]}"; do
        write_environment "$name"
        binary=$state/bin/$name-service
        keep "$name" "${port[$name]}" \
            "$(fingerprint_of "$state/env/$name.env" "$secrets/service-keys.json" "$binary")" \
            TERM "$state/env/$name.env" "$binary"
    done
    for name in "${services[@]}"; do
        wait_until 60 answers "http://127.0.0.1:${port[$name]}/readyz" || not_ready "$name"
    done
    say_started services
}

answers() { curl -sf -o /dev/null --max-time 2 "$1" 2>/dev/null; }

not_ready() {
    {
        printf 'What it says of itself:\n'
        curl -s --max-time 2 "http://127.0.0.1:${port[$1]}/readyz" || printf '(no answer)'
        printf '\nThe end of its log:\n'
        tail -n 15 "$logs/$1.log" || true
    } >&2
    fail "$1-service did not become ready within a minute." "See deploy/logs $1"
}

start_gateway() {
    "$root/deploy/local/gateway" configure
    keep gateway "${port[gateway]}" "$(fingerprint_of "$state/gateway/nginx.conf")" QUIT - \
        env "GRAPEVINE_STATE=$state" "$root/deploy/local/gateway" run
    wait_until 20 answers "http://127.0.0.1:${port[gateway]}/healthz" ||
        fail "the gateway does not answer." "See $logs/gateway.error.log"
    say_started gateway
}
