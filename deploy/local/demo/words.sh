# shellcheck shell=bash disable=SC2154
# Sourced by deploy/demo: calls, checks of the answers, and how they are told.

passed=0
failed=0
status=0
answer=""
calls=0
shopt -s extglob

title() { printf '\n%s\n' "$1"; }
saw() { printf '          %s\n' "$@"; }
ok() { passed=$((passed + 1)) && printf '  ok    %s\n' "$1"; }
wrong() {
    failed=$((failed + 1))
    printf '  WRONG %s\n' "$1"
    printf '        %s\n' "${2:-status $status: ${answer:0:600}}"
}

# call METHOD PATH KEY [BODY] [HEADER...]: sets status and answer, headers are in $headers. Like any
# careful client it sends the same again, with the same key, while nobody answers for good.
call() {
    local method=$1 path=$2 key=$3 body=${4:-} header extra=()
    local deadline=$(($(now_milliseconds) + 30000))
    shift $(($# < 4 ? $# : 4))
    calls=$((calls + 1))
    [[ $method != POST || "$*" == *Idempotency-Key* ]] || extra+=(-H "Idempotency-Key: $tag-$calls")
    for header in "$@"; do extra+=(-H "$header"); done
    [[ -z $key ]] || extra+=(-H "Authorization: Bearer $key")
    [[ -z $body ]] || extra+=(-H 'Content-Type: application/json' --data "$body")
    [[ $path == http* ]] || path=$GRAPEVINE_URL$path
    while true; do
        answer=$(curl -sS --max-time 20 -X "$method" -D "$headers" -w '\n%{http_code}' \
            "${extra[@]}" "$path" 2>&1) || true
        status=${answer##*$'\n'}
        answer=${answer%$'\n'*}
        [[ $status == @(000|429|5??) || ($status == 409 && -n $(header retry-after)) ]] || return 0
        (($(now_milliseconds) < deadline)) || return 0
        sleep 0.1
    done
}

pick() { jq -r "$1" <<<"$answer" 2>/dev/null || true; }

# The value of a header of the last answer.
header() { tr -d '\r' <"$headers" | sed -n "s/^$1: //Ip" | head -n 1; }

# holds [JQ_CONDITION]: whether the last answer is as wanted.
holds() { jq -e "${1:-true}" <<<"$answer" >/dev/null 2>&1; }

# expect WHAT STATUS [JQ_CONDITION]: one check of the last answer.
expect() {
    if [[ $status == "$2" ]] && { [[ -z ${3:-} ]] || holds "$3"; }; then
        ok "$1"
    else
        wrong "$1"
    fi
}

# expect_that WHAT COMMAND...: one check of anything else.
expect_that() {
    local what=$1
    shift
    if "$@"; then ok "$what"; else wrong "$what" "$*"; fi
}

# The same without which nothing that follows makes sense.
must() {
    local before=$failed
    expect "$@"
    ((failed == before)) || finish
}

must_that() {
    local before=$failed
    expect_that "$@"
    ((failed == before)) || finish
}

# eventually SECONDS METHOD PATH KEY JQ_CONDITION: asks until the condition holds.
eventually() {
    local deadline=$(($(now_milliseconds) + $1 * 1000)) method=$2 path=$3 key=$4 condition=$5
    while true; do
        call "$method" "$path" "$key"
        if [[ $status == 200 ]] && holds "$condition"; then return; fi
        (($(now_milliseconds) < deadline)) || return 0
        sleep 0.1
    done
}

is_problem='.status and .code and .title and .detail and (.message == .detail) and .request_id'
