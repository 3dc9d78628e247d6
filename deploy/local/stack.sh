# shellcheck shell=bash disable=SC2034
# Sourced by every script in deploy/: where things are, which ports, how to say things.
# Needs nothing but bash, coreutils, sed and grep.

# shellcheck source=deploy/local/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
state=${GRAPEVINE_STATE:-$root/.local}
mkdir -p "$state"
state=$(cd "$state" && pwd -P)
run=$state/run
logs=$state/log
secrets=$state/secrets

# The services in the order in which they start, the log first; the number is added to the port
# base.
known_services=(
    event
    client
    campaign
    referral
    reward
    notification
    analytics
    workflow
)
services=()
for known in "${known_services[@]}"; do
    [[ ! -f $root/Services/${known^}/${known^}Service.swift ]] || services+=("$known")
done
# What they stand on: started before them, stopped after them.
stores=(postgres redis)
for known in clickhouse mail-sink; do
    [[ ! -x $root/deploy/local/$known ]] || stores+=("$known")
done

# may_wait NAME: what only tells of things waits for what decides about them (decision 0007).
may_wait() {
    case $1 in
        analytics | clickhouse | notification | mail-sink) return 0 ;;
        *) return 1 ;;
    esac
}

declare -A offset=(
    [client]=1 [campaign]=2 [event]=3 [referral]=4 [reward]=5 [analytics]=6
    [notification]=7 [workflow]=8 [postgres]=20 [redis]=21 [mail-sink]=22 [clickhouse]=23)
declare -A port
# Taken by take_lock; programs that outlive a script must not inherit it: start them with {lock}>&-.
exec {lock}</dev/null

# MARK: words

seconds_since() {
    local spent=$(($(now_milliseconds) - $1))
    printf '%d.%d' $((spent / 1000)) $((spent % 1000 / 100))
}

# One finished step: what, how, and how long it took since the last step.
step_started=$(now_milliseconds)
step_done() {
    printf '  %-12s %-52s %6s s\n' "$1" "$2" "$(seconds_since "$step_started")"
    step_started=$(now_milliseconds)
}

# with_progress LABEL LOG COMMAND...: runs it with its output in the log, says every 20 seconds how
# far it is, and answers with its exit code.
with_progress() {
    local label=$1 log=$2 pid shown=$SECONDS
    shift 2
    "$@" >>"$log" 2>&1 </dev/null {lock}>&- &
    pid=$!
    # A program in the background does not hear Ctrl-C by itself.
    trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        ((SECONDS - shown >= 20)) || continue
        shown=$SECONDS
        printf '    %s: %s\n' "$label" "$(tail -n 1 "$log" | tr -cd '[:print:]' | cut -c1-80)"
    done
    trap - INT TERM
    wait "$pid"
}

# MARK: ports

# Environment first, then what the last deploy/up wrote down, then the defaults.
load_ports() {
    local name variable base=${GRAPEVINE_PORT_BASE:-}
    if [[ -n $base && ! $base =~ ^[1-9][0-9]{3,4}$ ]]; then
        fail "GRAPEVINE_PORT_BASE must be a port number from 1024 to 65000, not '$base'."
    fi
    for name in "${!offset[@]}"; do port[$name]=$((${base:-8100} + offset[$name])); done
    port[gateway]=${base:-8080}
    if [[ -z $base ]]; then
        port[postgres]=5542 port[redis]=6389 port[mail-sink]=2526 port[clickhouse]=8124
        [[ ! -f $state/ports ]] || read_ports
    fi
    for name in gateway postgres redis mail-sink clickhouse; do
        variable=${name^^}
        variable=GRAPEVINE_${variable/-/_}_PORT
        port[$name]=${!variable:-${port[$name]}}
    done
}

read_ports() {
    local name value
    while IFS='=' read -r name value; do port[$name]=$value; done <"$state/ports"
}

save_ports() {
    local name
    for name in "${!port[@]}"; do printf '%s=%s\n' "$name" "${port[$name]}"; done |
        sort >"$state/ports"
}

# A port base with nobody on any of its ports.
spare_base() {
    local base number
    for base in {9300..19300..100}; do
        for number in {0..23}; do
            ! port_is_open $((base + number)) || continue 2
        done
        printf '%s' "$base"
        return
    done
    fail "there are no 24 free ports in a row."
}

# MARK: processes

# The pid in a pid file, when that process is alive and its command line names what we expect
# (a pid file can outlive its process, and its number can be given to another).
living_pid() {
    local file=$1 expected=$2 pid
    [[ -f $file ]] || return 1
    pid=$(<"$file")
    [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$expected" || return 1
    printf '%s' "$pid"
}

supervisor_pid() { living_pid "$run/$1.supervisor" "supervise --name $1 --state $state "; }

# The pid of the supervised program itself. It is the supervisor's child, or an orphan of it.
program_pid() {
    local pid
    [[ -f $run/$1.pid ]] && pid=$(<"$run/$1.pid") && ! gone "$pid" || return 1
    [[ $(process_start "$pid") == "$(cat "$run/$1.started" 2>/dev/null)" ]] || return 1
    printf '%s' "$pid"
}

# The kernel's start time of a process: with the pid it names one process for good.
process_start() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086 # the fields are wanted as words
    set -- $stat
    printf '%s' "${20}"
}

# Ends what is left in a session, such as the workers of a gateway whose master was killed. Every
# supervisor is a session of its own, so nobody else's processes are in it.
end_session() {
    local session=$1 spare=$2 file line fields
    for file in /proc/[0-9]*/stat; do
        { read -r line <"$file"; } 2>/dev/null || continue
        read -ra fields <<<"${line##*) }"
        if [[ ${fields[3]} == "$session" && ${line%% *} != "$spare" ]]; then
            kill -KILL "${line%% *}" 2>/dev/null || true
        fi
    done
}

# Starts a program under its own supervisor, apart from this terminal.
# supervised NAME STOP_SIGNAL ENVIRONMENT_FILE COMMAND...
supervised() {
    local name=$1 signal=$2 environment=$3
    shift 3
    mkdir -p "$run" "$logs"
    rm -f "$run/$name.supervisor"
    setsid --fork "$root/deploy/local/supervise" --name "$name" --state "$state" \
        --stop-signal "$signal" --environment "$environment" -- "$@" \
        </dev/null >>"$logs/supervisor.log" 2>&1 {lock}>&-
    wait_until 5 supervisor_pid "$name" >/dev/null ||
        fail "$name did not start." "See $logs/supervisor.log"
}

# Stops a program and its supervisor; quiet when neither runs.
stop_supervised() {
    local name=$1 supervisor program session
    session=$(cat "$run/$name.supervisor" 2>/dev/null || true)
    if supervisor=$(supervisor_pid "$name"); then
        kill -TERM "$supervisor" 2>/dev/null || true
        wait_until 25 gone "$supervisor" || kill -KILL "$supervisor" 2>/dev/null || true
    fi
    if program=$(program_pid "$name"); then
        kill -TERM "$program" 2>/dev/null || true
        wait_until 5 gone "$program" || kill -KILL "$program" 2>/dev/null || true
    fi
    # The pid of a supervisor that is gone names its session for as long as one process is in it.
    [[ -z $session ]] || end_session "$session" -
    rm -f "$run/$name".{supervisor,pid,started,restarts}
}

# Only one deploy/up or deploy/down at a time changes a stack.
take_lock() {
    exec {lock}>"$state/lock"
    flock -n "$lock" || fail "another deploy command is at work on this checkout." \
        "Wait for it to end, or look for it with: ps ax | grep deploy/"
}
