# shellcheck shell=bash disable=SC2154,SC2034
# Sourced by the benchmarks: private servers, alternating rounds, medians, verdicts.

# shellcheck source=deploy/local/stack.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/local/stack.sh"
for part in packages build; do
    # shellcheck source=/dev/null
    source "$root/deploy/local/$part.sh"
done
PATH=$PATH:/usr/sbin:/sbin

rounds=5 seconds=4 scale=1 check=no missed=0
# Apart from the stack's own place: a stack that runs is not disturbed.
place_of_benchmark=$state/bench/${0##*/}-$$
processes=()

# MARK: options

# read_options ARGUMENT...: the options that all benchmarks know.
read_options() {
    while (($# > 0)); do
        case $1 in
            --help | -h) print_help && exit 0 ;;
            --check) check=yes ;;
            --rounds) rounds=$(whole "$@") && shift ;;
            --seconds) seconds=$(whole "$@") && shift ;;
            --scale) scale=$(whole "$@") && shift ;;
            *) fail "I do not know '$1'." "See --help" ;;
        esac
        shift
    done
}

whole() {
    [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || fail "$1 needs a number from 1 to 9999."
    printf '%s' "$2"
}

need_programs() {
    local name
    for name in "$@"; do
        type -P "$name" >/dev/null && continue
        case $name in
            pgbench) fail "there is no pgbench here." "apt-get install postgresql-15" ;;
            *) fail "there is no $name here." "apt-get install $name" ;;
        esac
    done
}

# MARK: servers of our own, gone at the end

begin_benchmark() {
    mkdir -p "$place_of_benchmark"
    chmod 755 "$state/bench" "$place_of_benchmark"
    trap end_benchmark EXIT
    trap 'exit 130' INT TERM
}

end_benchmark() {
    trap '' INT TERM
    local pid
    for pid in "${processes[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${processes[@]}"; do
        wait_until 15 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
    "$root/deploy/local/postgres" remove "$place_of_benchmark/postgres" || true
    "$root/deploy/local/redis" remove "$place_of_benchmark/redis" || true
    [[ ! -d $place_of_benchmark/clickhouse ]] ||
        "$root/deploy/local/clickhouse" remove "$place_of_benchmark/clickhouse" || true
    rm -rf -- "$place_of_benchmark"
}

# The settings are those of deploy/up. Sets PGPASSWORD and database_url.
start_postgres() {
    port[postgres]=$(free_port)
    "$root/deploy/local/postgres" start "$place_of_benchmark/postgres" "${port[postgres]}" \
        autovacuum_naptime=10s autovacuum_analyze_threshold=20 \
        autovacuum_analyze_scale_factor=0.05 max_connections=200 shared_buffers=256MB \
        max_wal_size=2GB jit=off idle_in_transaction_session_timeout=60s
    database_url=$("$root/deploy/local/postgres" url "$place_of_benchmark/postgres")
    PGPASSWORD=$(sed -E 's|^[^:]*://[^:]*:([^@]*)@.*$|\1|' <<<"$database_url")
    export PGPASSWORD
    database=(-h 127.0.0.1 -p "${port[postgres]}" -U postgres)
}

make_accounts() {
    pgbench -i -q -s "$scale" "${database[@]}" postgres \
        >"$place_of_benchmark/pgbench.log" 2>&1 ||
        fail "pgbench cannot make its table." "$(tail -n 2 "$place_of_benchmark/pgbench.log")"
    rows=$((scale * 100000))
    psql -qX "${database[@]}" -c 'vacuum analyze pgbench_accounts' -c checkpoint postgres
}

# The measuring program, built as deploy/up builds services. Sets `program`.
build_program() {
    local log=$place_of_benchmark/build.log
    printf 'building for release\n'
    with_progress grapevine-bench "$log" swift build --package-path "$root" \
        "${build_options[@]}" --product grapevine-bench || {
        grep -E 'error' "$log" | head -n 20 >&2
        fail "grapevine-bench does not build."
    }
    program=$place_of_benchmark/grapevine-bench
    cp "$(swift build --package-path "$root" "${build_options[@]}" --show-bin-path)/grapevine-bench" \
        "$program"
}

# reads CALLERS SECONDS: PostgresKit alone, reads per second.
reads() {
    local line
    line=$(GRAPEVINE_DATABASE_URL=$database_url "$program" read "$rows" "$1" "$2") ||
        fail "the reads failed." "$line"
    sed -E 's/^per_second=([0-9]+) .*$/\1/' <<<"$line"
}

answers() { curl -sf -o /dev/null --max-time 2 "$1" 2>/dev/null; }

# MARK: a whole stack, gone at the end

# bring_up_stack "SERVICE NAME=VALUE"...: everything as deploy/up builds and starts it, in a place of
# its own and on spare ports, with these settings. Sets `stack` and `key`, a client's secret key.
bring_up_stack() {
    local setting
    take_lock
    build_services
    flock -u "$lock"
    begin_benchmark
    build_program
    stack=$place_of_benchmark/stack
    trap 'on_stack "$root/deploy/down" --erase >/dev/null 2>&1 || true; end_benchmark' EXIT
    mkdir -p "$stack/settings"
    ln -sfn "$state/bin" "$stack/bin"
    cp -p "$state/build.stamp" "$stack/build.stamp"
    for setting in "$@"; do
        printf '%s\n' "${setting#* }" >>"$stack/settings/${setting%% *}.env"
    done
    stack_base=$(spare_base)
    on_stack "$root/deploy/up" --detach >"$place_of_benchmark/up.log" 2>&1 ||
        fail "the stack does not start." "$(tail -n 5 "$place_of_benchmark/up.log")"
    # shellcheck source=/dev/null
    source "$stack/demo.env"
    key=$GRAPEVINE_DEMO_SECRET_KEY
}

on_stack() { env "GRAPEVINE_STATE=$stack" "GRAPEVINE_PORT_BASE=$stack_base" "$@"; }

# stack_sql SERVICE STATEMENT...: as the superuser of the stack's databases.
stack_sql() {
    local service=$1 url statement options=()
    shift
    for statement in "$@"; do options+=(-c "$statement"); done
    url=$("$root/deploy/local/postgres" url "$stack/postgres")
    psql -qXAt -F ' ' -v ON_ERROR_STOP=1 -d "${url%/*}/grapevine_$service" "${options[@]}"
}

# MARK: numbers

median() { printf '%s\n' "$@" | sort -g | awk '{v[NR] = $1} END {
    print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

lowest() { printf '%s\n' "$@" | sort -g | head -n 1; }
highest() { printf '%s\n' "$@" | sort -g | tail -n 1; }
spread() { printf '%s to %s' "$(lowest "$@")" "$(highest "$@")"; }
quotient() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", (b > 0 ? a / b : 0)}'; }

# verdict COMPARISON VALUE TARGET: "met" or "MISSED", which --check remembers.
verdict() {
    if awk -v a="$2" -v b="$3" "BEGIN {exit !(a $1 b)}"; then
        said=met
    else
        said=MISSED
        missed=1
    fi
}

finish() {
    [[ $check == no ]] || exit "$missed"
    exit 0
}

# compare NAME TARGET UNIT OURS THEIRS: prints medians and spreads; the last line is for programs.
# OURS and THEIRS name arrays with one number for each round. The ratio is the median of the
# rounds' ratios, since a busy machine slows both sides of a round.
compare() {
    local name=$1 target=$2 unit=$3 index ratios=()
    local -n our_rates=$4 their_rates=$5
    for index in "${!our_rates[@]}"; do
        ratios+=("$(quotient "${our_rates[index]}" "${their_rates[index]}")")
    done
    local ratio
    ratio=$(median "${ratios[@]}")
    printf '  %-28s median %9s %s   (%s)\n' "${labels[0]}" "$(median "${our_rates[@]}")" "$unit" \
        "$(spread "${our_rates[@]}")"
    printf '  %-28s median %9s %s   (%s)\n' "${labels[1]}" "$(median "${their_rates[@]}")" "$unit" \
        "$(spread "${their_rates[@]}")"
    if [[ $target == - ]]; then
        printf '  ratio %s (%s), no target\n' "$ratio" "$(spread "${ratios[@]}")"
    else
        verdict '>=' "$ratio" "$target"
        printf '  ratio %s (%s), target >= %s: %s\n' "$ratio" "$(spread "${ratios[@]}")" \
            "$target" "$said"
    fi
    results+=("$name ratio=$ratio value=$(median "${our_rates[@]}")")
}

results=()
labels=()
print_results() { printf '%s\n' "${results[@]}"; }

print_machine() {
    printf '%s cores, load %s, Linux %s, %s\n' "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)" \
        "$(uname -r)" "$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9.]+')"
}
