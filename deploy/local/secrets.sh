# shellcheck shell=bash disable=SC2154
# Sourced: makes each secret once, readable by its owner only, under .local/secrets.

base64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }

# A secret of N random bytes as base64url, made when its file is not there yet.
ensure_secret() {
    local file=$secrets/$1 bytes=$2
    [[ -s $file ]] || (umask 077 && openssl rand "$bytes" | base64url >"$file")
}

# Replaces a file only when its text changes, so that an unchanged stack stays as it is.
write_secret() {
    local file=$1 text=$2
    [[ -f $file && $(<"$file") == "$text" ]] || (umask 077 && printf '%s\n' "$text" >"$file")
}

# The Ed25519 public key of a seed file, base64url. A private key in PKCS #8 is a fixed prefix and
# the seed; the public key is the last 32 bytes of its DER form.
public_key() {
    {
        printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'
        { tr -- '-_' '+/' <"$1" | tr -d '\n' && printf '='; } | base64 -d
    } | openssl pkey -inform DER -pubout -outform DER | tail -c 32 | base64url
}

# The address of PostgreSQL; containers have another.
postgres_address() { printf '127.0.0.1:%s' "${port[postgres]}"; }

ensure_secrets() {
    local name keys="" created=no
    [[ -d $secrets ]] || created=yes
    mkdir -p "$secrets"
    chmod 700 "$secrets"
    ensure_secret staff.secret 48
    ensure_secret client.member.seed 32
    ensure_secret referral.hash.secret 32
    ensure_secret event.key 32
    ensure_secret notification.key 32
    ensure_secret demo.owner.password 18
    for name in "${services[@]}"; do
        ensure_secret "$name.postgres.password" 24
        ensure_secret "$name.seed" 32
        keys+="${keys:+,}\"$name-service\":\"$(public_key "$secrets/$name.seed")\""
        write_secret "$secrets/$name.database-url" \
            "postgresql://grapevine_$name:$(<"$secrets/$name.postgres.password")@$(postgres_address)/grapevine_$name"
    done
    write_secret "$secrets/service-keys.json" "{$keys}"
    if [[ $created == yes ]]; then
        step_done secrets "made in ${secrets#"$root"/}, for your eyes only"
    fi
}

# What only one service is told.
own_settings() {
    local url=http://127.0.0.1:${port[gateway]}
    case $1 in
        client) printf '
GRAPEVINE_STAFF_SECRET_FILE=%s
GRAPEVINE_CLIENT_MEMBER_KEY_FILE=%s
GRAPEVINE_PUBLIC_URL=%s' "$secrets/staff.secret" "$secrets/client.member.seed" "$url" ;;
        campaign) printf '
GRAPEVINE_CAMPAIGN_PUBLIC_URL=%s' "$url" ;;
        event) printf '
GRAPEVINE_EVENT_PUBLIC_URL=%s
GRAPEVINE_EVENT_KEY_FILE=%s' "$url" "$secrets/event.key" ;;
        referral) printf '
GRAPEVINE_REFERRAL_PUBLIC_URL=%s
GRAPEVINE_REFERRAL_HASH_SECRET_FILE=%s' "$url" "$secrets/referral.hash.secret" ;;
        # The receiver of webhooks may be on this machine, too.
        notification) printf '
GRAPEVINE_NOTIFICATION_PUBLIC_URL=%s
GRAPEVINE_NOTIFICATION_SMTP_URL=smtp://127.0.0.1:%s
GRAPEVINE_NOTIFICATION_KEY_FILE=%s
GRAPEVINE_NOTIFICATION_ALLOW_PRIVATE_TARGETS=true' \
            "$url" "${port[mail-sink]}" "$secrets/notification.key" ;;
        analytics) printf '
GRAPEVINE_ANALYTICS_CLICKHOUSE_URL_FILE=%s' "$secrets/clickhouse-url" ;;
    esac
}

# What a service sees as its environment; secrets stay in files.
write_environment() {
    local name=$1 peer file=$state/env/$1.env text
    mkdir -p "$state/env"
    text="GRAPEVINE_LISTEN=127.0.0.1:${port[$name]}
GRAPEVINE_DATABASE_URL_FILE=$secrets/$name.database-url
GRAPEVINE_REDIS_URL_FILE=$secrets/redis-url
GRAPEVINE_SERVICE_KEY_FILE=$secrets/$name.seed
GRAPEVINE_SERVICE_KEYS_FILE=$secrets/service-keys.json
GRAPEVINE_TRUST_FORWARDED_FOR=true"
    text+=$(own_settings "$name")
    for peer in "${services[@]}"; do
        [[ $peer == "$name" ]] || text+="
GRAPEVINE_${peer^^}_URL=http://127.0.0.1:${port[$peer]}"
    done
    # An operator's own settings, a line each.
    [[ ! -s $state/settings/$name.env ]] || text+="
$(<"$state/settings/$name.env")"
    if [[ -n ${GRAPEVINE_LOG_LEVEL:-} ]]; then text+="
GRAPEVINE_LOG_LEVEL=$GRAPEVINE_LOG_LEVEL"; fi
    if [[ -n ${GRAPEVINE_OTLP_ENDPOINT:-} ]]; then text+="
GRAPEVINE_OTLP_ENDPOINT=$GRAPEVINE_OTLP_ENDPOINT"; fi
    write_secret "$file" "$text"
}
