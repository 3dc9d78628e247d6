# shellcheck shell=bash
# Sourced by the scripts that run private servers: words, waiting, users, places.

export LC_ALL=C

# MARK: words

# fail MESSAGE LINE...: says in plain words what is wrong, and ends the script.
fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# The comment block at the head of the calling script, for --help.
print_help() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

now_milliseconds() { printf '%s' $((${EPOCHREALTIME/./} / 1000)); }

# wait_until SECONDS COMMAND...: polls until the command succeeds; fails at the deadline.
wait_until() {
    local deadline=$(($(now_milliseconds) + $1 * 1000))
    shift
    until "$@"; do
        (($(now_milliseconds) < deadline)) || return 1
        sleep 0.02
    done
}

# Whether a process has ended; one that only waits for its parent to notice has.
gone() {
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    [[ ${line##*) } == Z* ]]
}

# random_password: 32 letters and digits, fit for a URL.
random_password() { head -c 256 /dev/urandom | base64 -w 0 | tr -dc 'A-Za-z0-9' | head -c 32; }

# MARK: ports

check_port() {
    if [[ ! $1 =~ ^[0-9]{2,5}$ ]] || ((10#$1 > 65535)); then
        fail "the port must be a number from 10 to 65535, not '$1'."
    fi
}

port_is_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that nobody listens on, below those that the kernel gives to outgoing connections.
free_port() {
    local candidate
    while true; do
        candidate=$((20000 + RANDOM % 12000))
        port_is_open "$candidate" || break
    done
    printf '%s' "$candidate"
}

# MARK: users and places

# as_user USER COMMAND...: runs with that user's rights and a clean environment; as oneself
# when we are not root.
as_user() {
    local user=$1
    shift
    local clean=(env -i "PATH=$PATH" LC_ALL=C "$@")
    if ((EUID == 0)); then
        setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups -- "${clean[@]}"
    else
        "${clean[@]}"
    fi
}

# become USER COMMAND...: the same, in place of this script.
become() {
    local user=$1
    shift
    local clean=(env -i "PATH=$PATH" LC_ALL=C "$@")
    ((EUID == 0)) || exec "${clean[@]}"
    exec setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups -- "${clean[@]}"
}

# own_place DIR USER: sets `place`, a directory with mode 700 that the user owns and can reach.
#
# It is DIR itself, or, below a directory closed to the user (such as /root), one in /var/tmp
# whose name is remembered in DIR/place.
own_place() {
    local directory=$1 user=$2 hash
    mkdir -p "$directory" || fail "cannot create $directory."
    directory=$(cd "$directory" && pwd -P)
    place=$directory
    if ((EUID == 0)); then
        if [[ -f $directory/place ]]; then
            place=$(<"$directory/place")
        else
            chown "$user:" "$directory"
            if ! as_user "$user" test -x "$directory"; then
                chown 0:0 "$directory"
                hash=$(printf '%s' "$directory" | sha256sum | head -c 12)
                place=/var/tmp/grapevine-$EUID-$hash
                printf '%s\n' "$place" >"$directory/place"
            fi
        fi
        # Somebody else may not have been there first: the name can be foretold.
        [[ -e $place ]] || mkdir -m 700 "$place"
        [[ ! -L $place ]] || fail "$place is a symbolic link."
        case $(stat -c %U "$place") in
            root | "$user") chown "$user:" "$place" ;;
            *) fail "$place belongs to somebody else." ;;
        esac
    fi
    chmod 700 "$place"
}

# known_place DIR: sets `place` as own_place left it; fails when there is none.
known_place() {
    [[ -d $1 ]] || return 1
    place=$(cd "$1" && pwd -P)
    if [[ -f $place/place ]]; then place=$(<"$place/place"); fi
    [[ -d $place ]]
}

# lock_place: one command at a time works on a place. Servers must not inherit the lock: start
# them with {lock}>&-.
lock_place() {
    exec {lock}>"$place/lock"
    flock -w 60 "$lock" || fail "another command is at work in $place for more than a minute."
}
