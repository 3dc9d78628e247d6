# shellcheck shell=bash disable=SC2154
# Sourced by deploy/up: a client to play with, made through the gateway like any other.

demo_owner_email=owner@demo.example
demo_owner_password_file=$secrets/demo.owner.password

# Asks the admin API as staff; prints the answer, fails on anything but success.
as_staff() {
    local method=$1 path=$2 body=${3:-} token environment
    mapfile -t environment <"$state/env/client.env"
    token=$(env "${environment[@]}" "$state/bin/client-service" staff-token --subject deploy) ||
        fail "client-service made no staff token."
    curl -sS --fail-with-body --max-time 15 -X "$method" -H "Authorization: Bearer $token" \
        ${body:+-H 'Content-Type: application/json' --data "$body"} \
        "http://127.0.0.1:${port[gateway]}$path"
}

demo_client_works() {
    [[ -s $state/demo.env ]] || return 1
    local GRAPEVINE_DEMO_SECRET_KEY="" GRAPEVINE_DEMO_CLIENT_ID="" answer
    # shellcheck disable=SC1091
    source "$state/demo.env"
    answer=$(curl -sf --max-time 5 -H "Authorization: Bearer $GRAPEVINE_DEMO_SECRET_KEY" \
        "http://127.0.0.1:${port[gateway]}/v1/portal/client") || return 1
    [[ $(jq -r .client_id <<<"$answer") == "$GRAPEVINE_DEMO_CLIENT_ID" ]] || return 1
    # A client of before there were members gets its owner now.
    grep -q '^GRAPEVINE_DEMO_OWNER_EMAIL=' "$state/demo.env" ||
        demo_owner "$GRAPEVINE_DEMO_CLIENT_ID"
}

make_demo_client() {
    if demo_client_works; then
        write_demo_environment
        step_done "demo client" "is there"
        return
    fi
    local client publishable secret
    client=$(as_staff POST /v1/admin/clients '{"name":"Demo"}') ||
        fail "the demo client could not be made: $client"
    client=$(jq -er .client_id <<<"$client") || fail "the new client has no client_id."
    demo_owner "$client"
    publishable=$(demo_key "$client" publishable)
    secret=$(demo_key "$client" secret)
    write_demo_environment
    step_done "demo client" "$client, keys in ${state#"$root"/}/demo.env"
}

# Somebody who can sign in to the console.
demo_owner() {
    local answer body
    body=$(jq -cn --arg email "$demo_owner_email" --rawfile password "$demo_owner_password_file" \
        '{email: $email, name: "Demo owner", password: ($password | rtrimstr("\n")),
            role: "owner"}')
    answer=$(as_staff POST "/v1/admin/clients/$1/members" "$body") ||
        fail "the demo client's owner could not be made: $answer"
}

demo_key() {
    local answer
    answer=$(as_staff POST "/v1/admin/clients/$1/keys" \
        "{\"kind\":\"$2\",\"name\":\"demo\",\"origins\":[],\"scopes\":[]}") ||
        fail "the demo client's $2 key could not be made: $answer"
    jq -er .secret <<<"$answer" || fail "the new $2 key has no secret."
}

# The address can change between two starts; client and keys stay.
write_demo_environment() {
    local GRAPEVINE_DEMO_CLIENT_ID=${client:-} GRAPEVINE_DEMO_PUBLISHABLE_KEY=${publishable:-}
    local GRAPEVINE_DEMO_SECRET_KEY=${secret:-}
    # shellcheck disable=SC1091
    [[ -n ${client:-} ]] || source "$state/demo.env"
    write_secret "$state/demo.env" "GRAPEVINE_URL=http://127.0.0.1:${port[gateway]}
GRAPEVINE_DEMO_CLIENT_ID=$GRAPEVINE_DEMO_CLIENT_ID
GRAPEVINE_DEMO_PUBLISHABLE_KEY=$GRAPEVINE_DEMO_PUBLISHABLE_KEY
GRAPEVINE_DEMO_SECRET_KEY=$GRAPEVINE_DEMO_SECRET_KEY
GRAPEVINE_DEMO_OWNER_EMAIL=$demo_owner_email
GRAPEVINE_DEMO_OWNER_PASSWORD_FILE=$demo_owner_password_file
GRAPEVINE_DEMO_MAIL=$state/mail"
}
