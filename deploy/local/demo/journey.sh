# shellcheck shell=bash disable=SC2154,SC2016
# Sourced by deploy/demo: the journey of A and B, step by step. `play_journey` is its order.

taken='(.accepted + .duplicate) == 1'
now() { date -u +%FT%T.%3NZ; }

everybody_is_there() {
    local name
    tag=start
    title "The gateway at $GRAPEVINE_URL"
    call GET /healthz ""
    must "answers" 200 '.status == "ok"'
    for name in "${known_services[@]}"; do
        call GET "/health/$name" ""
        must "$name-service is ready" 200
    done
}

# Somebody's server that takes webhooks.
start_receiver() {
    : >"$place/webhooks"
    "$root/deploy/local/demo/receiver" serve "$place/port" "$place/webhooks" &
    background+=("$!")
    wait_until 10 test -s "$place/port" || fail "the receiver of webhooks does not start."
}

play_journey() {
    sign_in
    make_webhook
    make_sources
    make_campaigns
    watch_live
    a_signs_up
    a_shares
    b_follows
    b_signs_up
    b_buys
    both_are_rewarded
    books_balance
    mails_arrive
    webhook_arrives
    dashboard_shows
    live_showed
    a_buys_by_own_link
    end_campaigns
    remove_sources
}

# MARK: the client's side

# Sets `member`, what the dashboard is read with: the owner's token, or the secret key.
sign_in() {
    member=$secret
    [[ -n $owner_email ]] || return 0
    title "The client's owner signs in"
    call POST /auth/sessions "" "$(jq -cn --arg email "$owner_email" \
        --rawfile password "$owner_password_file" \
        '{email: $email, password: ($password | rtrimstr("\n"))}')"
    must "with e-mail and password" 201 '.token and .expires_at and .member.email'
    member=$(pick .token)
    expect_that "the session stays in a cookie that no script can read" \
        grep -qiE '^set-cookie: gv_refresh=[^;]+;.*httponly' "$headers"
    call GET /.well-known/jwks.json ""
    expect "anyone may check such tokens" 200 '.keys | length >= 1'
    call GET /v1/portal/client "$member"
    expect "the token opens the portal" 200 '.client_id | startswith("cli_")'
}

make_webhook() {
    title "The client wants to be told of rewards"
    call POST /v1/portal/webhooks "$secret" \
        "{\"url\": \"http://127.0.0.1:$(<"$place/port")/$tag\", \"types\": [\"reward.fulfilled\"]}"
    must "a webhook is made, its secret shown once" 201 \
        '(.webhook_id | startswith("whk_")) and (.secret | startswith("whsec_"))'
    webhook=$(pick .webhook_id)
    webhook_secret=$(pick .secret)
}

# make_source KIND SECRET [SETTINGS]: sets `source` to the path of a new webhook source.
make_source() {
    call POST /v1/portal/webhook-sources "$secret" "$(jq -cn --arg kind "$1" --arg secret "$2" \
        --arg name "$1 $tag" --argjson settings "${3:-"{}"}" \
        '{kind: $kind, name: $name, secret: $secret, settings: $settings}')"
    must "a source of $1's webhooks, with its own address" 201 \
        '(.source_id | startswith("whs_")) and .url and (has("secret") | not)'
    source=$(pick .source_id)
}

# Where the shop and the payment provider will tell of orders.
make_sources() {
    title "The client takes the webhooks of its shop and its payment provider"
    shop_secret=shpss_$(openssl rand -hex 16)
    payments_secret=whsec_$(openssl rand -hex 16)
    make_source shopify "$shop_secret" '{"participant": ["note_attribute", "customer_id"]}'
    shop=$source
    make_source stripe "$payments_secret"
    payments=$source
    # Digits, as the shop counts its orders.
    order=$((16#$tag))
}

remove_sources() {
    local source
    for source in "$shop" "$payments"; do
        call DELETE "/v1/portal/webhook-sources/$source" "$secret"
        expect_that "the source of webhooks is removed" test "${status:0:1}" = 2
    done
}

# new_campaign WORDS DEFINITION: sets `campaign`. Only people of this play take part.
new_campaign() {
    local body
    body=$(jq -c --arg tag "$tag" --arg order "$order" '
        .name += " " + $tag
        | .triggers |= map(. + {condition: {any: [
            {field: "event.properties.play", op: "in", value: [$tag]},
            {field: "event.subject", op: "in", value: [$order]}]}})' <<<"$2")
    call POST /v1/portal/campaigns "$secret" "$body"
    must "$1" 201 '.status == "draft" and (.campaign_id | startswith("cmp_"))'
    campaign=$(pick .campaign_id)
    call POST "/v1/portal/campaigns/$campaign/activate" "$secret"
    must "is activated, $campaign" 200 '.status == "active"'
}

make_campaigns() {
    title "Two campaigns: a link and 5.00 USD for everyone who signs up, more when friends buy"
    new_campaign "the first welcomes" '{
        "name": "Welcome", "pulse": "signup", "triggers": [{"event": "user_signed_up"}],
        "reward_rules": [{"rule_id": "welcome", "recipient": "participant", "kind": "credit",
            "amount": {"units": "500", "asset": "USD"}}],
        "budget": {"units": "100000", "asset": "USD"},
        "referral": {"destination_url": "https://shop.example/welcome",
            "allowed_hosts": ["www.shop.example"]},
        "notifications": [{"recipient": "participant", "channel": "email", "template": "welcome"}]}'
    welcome=$campaign
    new_campaign "the second rewards both sides of an order" '{
        "name": "Bring a friend", "pulse": "conversion",
        "triggers": [{"event": "purchase_completed"}, {"event": "referred_made_purchase"}],
        "reward_rules": [
            {"rule_id": "thanks", "recipient": "referrer", "kind": "credit",
                "amount": {"units": "1000", "asset": "USD"}},
            {"rule_id": "friend", "recipient": "participant", "kind": "credit",
                "amount": {"units": "300", "asset": "USD"}}],
        "budget": {"units": "100000", "asset": "USD"},
        "notifications": [
            {"recipient": "referrer", "channel": "email", "template": "reward_referrer"},
            {"recipient": "participant", "channel": "email", "template": "reward_participant"}]}'
    friends=$campaign
}

# The stream of what happens, kept in a file until the end of the play.
watch_live() {
    title "Somebody watches live"
    : >"$place/live"
    follow_live &
    live_pid=$!
    background+=("$live_pid")
    expect_that "the stream is open" wait_until 15 test -s "$place/live"
}

# As browsers do: when the stream breaks off, it is asked for again from where it was.
follow_live() {
    local last=
    trap 'kill "$!" 2>/dev/null; exit' TERM
    while true; do
        curl -sNf --max-time 300 -H "Authorization: Bearer $member" \
            -H 'Accept: text/event-stream' ${last:+-H "Last-Event-ID: $last"} \
            "$GRAPEVINE_URL/v1/portal/live" >>"$place/live" 2>/dev/null &
        wait "$!" || true
        last=$(sed -n 's/^id: *//p' "$place/live" | tail -n 1)
        sleep 0.5
    done
}

# MARK: A

# tell KEY PERSON EVENT ID [JSON]: one event of a person, with what the JSON adds to it.
tell() {
    local body
    body=$(jq -cn --arg person "$2" --arg event "$3" --arg id "$4-$tag" --arg now "$(now)" \
        --arg tag "$tag" --argjson more "${5:-"{}"}" '{events: [
            {event: $event, event_id: $id, occurred_at: $now, properties: {play: $tag}}
            * (if $person == "" then {} else {participant_id: $person} end) * $more]}')
    call POST /v1/sdk/events "$1" "$body"
}

# run_of CAMPAIGN PERSON: waits for the person's run in a campaign to be completed.
run_of() {
    eventually 40 GET "/v1/portal/runs?campaign_id=$1&subject=$2" "$secret" \
        '(.data | length) == 1 and .data[0].status == "completed"'
    must "the run is completed" 200 '(.data | length) == 1 and .data[0].status == "completed"'
    call GET "/v1/portal/runs/$(pick '.data[0].run_id')" "$secret"
    expect "and shows its steps" 200 '(.steps | length) >= 2'
    saw "$(pick '[.steps[].name] | join(", ")')"
}

# participant_of PERSON: sets `participant`, the id of a person's profile.
participant_of() {
    eventually 20 GET "/v1/portal/participants?external_id=$1" "$secret" '(.data | length) == 1'
    must "$1 has a profile" 200 '(.data | length) == 1'
    participant=$(pick '.data[0].participant_id')
}

a_signs_up() {
    title "A signs up"
    a=anna-$tag
    a_email=anna-$tag@people.example
    tell "$secret" "$a" user_signed_up a-signs-up "{\"traits\": {\"email\": \"$a_email\"}}"
    must "the client's server tells it" 202 "$taken"
    participant_of "$a"
    a_id=$participant
    run_of "$welcome" "$a_id"
    call GET "/v1/portal/links?campaign_id=$welcome&participant_id=$a_id" "$secret"
    must "A has a link" 200 '(.data | length) == 1 and .data[0].code and .data[0].url'
    code=$(pick '.data[0].code')
    link=$(pick '.data[0].url')
    saw "code $code, link $link"
    await_mail "$a_email" 1
    expect_mail "A gets a welcome mail with the link" '.[0].text | contains("'"$link"'")'
}

a_shares() {
    title "A shares the link"
    tell "$secret" "$a" referral_shared a-shares \
        "{\"properties\": {\"code\": \"$code\", \"channel\": \"email\"}}"
    expect "the client's app tells it" 202 "$taken"
}

# MARK: B

b_follows() {
    title "B opens the link"
    call GET "$link" "" "" "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    must "the gateway leads on" 302
    location=$(header location)
    click=$(sed -n 's/.*[?&]gv_click=\(clk_[0-9a-z]*\).*/\1/p' <<<"$location")
    saw "to $location"
    expect_that "to the shop, with the code and a click of its own" \
        test -n "$click" -a "${location#https://shop.example/welcome?}" != "$location"
    expect_that "and remembers the click in a cookie of this site" \
        grep -qi "^set-cookie: gv_click=" "$headers"
    call GET "$link?to=https%3A%2F%2Fwww.shop.example%2Fsale" ""
    expect_that "another page of the shop may be asked for" \
        test "$(header location | cut -d'?' -f1)" = https://www.shop.example/sale
    call GET "$link?to=https%3A%2F%2Fevil.example%2F" ""
    expect_that "a stranger's page may not" \
        test "$(header location | grep -c evil.example)" -eq 0
    call GET "$GRAPEVINE_URL/r/ZZZZZZZZ" ""
    expect "a code that nobody has leads nowhere" 404
}

b_signs_up() {
    title "B signs up"
    b=ben-$tag
    b_email=ben-$tag@people.example
    came="\"referral\": {\"click_id\": \"$click\", \"code\": \"$code\"}"
    tell "$publishable" "" referral_visit b-visits \
        "{\"anonymous_id\": \"visitor-$tag\", $came}"
    expect "the shop's page tells of the visit, nobody known yet" 202 "$taken"
    tell "$secret" "$b" user_signed_up b-signs-up "{\"anonymous_id\": \"visitor-$tag\",
        \"traits\": {\"email\": \"$b_email\"}, $came}"
    must "the client's server tells of the sign-up" 202 "$taken"
    participant_of "$b"
    b_id=$participant
    run_of "$welcome" "$b_id"
    eventually 20 GET "/v1/portal/conversions?campaign_id=$welcome" "$secret" '.data | length == 1'
    expect "the sign-up counts as A's" 200 '(.data | length) == 1
        and .data[0].kind == "signup" and .data[0].referrer_id == "'"$a_id"'"'
}

# The same order, told by the app, by the shop's webhook and by the payment provider's.
b_buys() {
    title "B buys, and three parties tell of the same order"
    tell "$secret" "$b" purchase_completed b-buys "{\"subject\": \"$order\",
        \"properties\": {\"order_id\": \"$order\",
        \"amount\": {\"units\": \"4990\", \"asset\": \"USD\"}}}"
    must "the app" 202 "$taken"
    shop_tells
    payments_tell
    run_of "$friends" "$order"
    eventually 20 GET "/v1/portal/conversions?campaign_id=$friends" "$secret" '.data | length >= 1'
    expect "it is one conversion, B's, brought by A" 200 '(.data | length) == 1
        and .data[0].kind == "purchase" and .data[0].referrer_id == "'"$a_id"'"'
}

hmac() { printf %s "$1" | openssl dgst -sha256 -hmac "$2" -binary; }

shop_tells() {
    local body topic='X-Shopify-Topic: orders/paid' id="X-Shopify-Event-Id: $tag" code
    body=$(jq -cn --argjson order "$order" --arg person "$b" --arg email "$b_email" '{
        id: $order, name: "#1001", financial_status: "paid", total_price: "49.90",
        currency: "USD", test: false, line_items: [], email: $email,
        note_attributes: [{name: "gv_participant", value: $person}]}')
    code=$(hmac "$body" "$shop_secret" | base64 -w0)
    call POST "/v1/hooks/$shop" "" "${body/49.90/4.99}" "$topic" "$id" \
        "X-Shopify-Hmac-Sha256: $code"
    expect "somebody who only looks like the shop is refused" 401 '.code == "invalid_signature"'
    call POST "/v1/hooks/$shop" "" "$body" "$topic" "$id" "X-Shopify-Hmac-Sha256: $code"
    expect "the shop, by a signed webhook" 200 '.status == "accepted" or .status == "duplicate"'
    call POST "/external/webhooks/$shop" "" "$body" "$topic" "$id" "X-Shopify-Hmac-Sha256: $code"
    expect "which it sends twice" 200 '.status == "duplicate"'
}

payments_tell() {
    local body time code
    time=$(date +%s)
    body=$(jq -cn --arg order "$order" --arg person "$b" --arg tag "$tag" --argjson time "$time" '{
        id: "evt_\($tag)", type: "checkout.session.completed", created: $time, livemode: true,
        data: {object: {id: "cs_\($tag)", object: "checkout.session", mode: "payment",
            payment_status: "paid", amount_total: 4990, currency: "usd", customer: "cus_\($tag)",
            payment_intent: "pi_\($tag)",
            metadata: {order_id: $order, gv_participant: $person}}}}')
    code=$(hmac "$time.$body" "$payments_secret" | od -An -vtx1 | tr -d ' \n')
    call POST "/v1/hooks/$payments" "" "$body" "Stripe-Signature: t=$time,v1=$code"
    expect "the payment provider, by another" 200 '.status == "accepted" or .status == "duplicate"'
}

# MARK: what comes of it

both_are_rewarded() {
    local rewards="/v1/portal/rewards?campaign_id=$friends"
    title "Both are rewarded"
    eventually 20 GET "$rewards" "$secret" \
        '[.data[] | select(.status == "fulfilled")] | length == 2'
    must "10.00 USD for A, 3.00 USD for B, once" 200 '(.data | length) == 2
        and ([.data[] | select(.participant_id == "'"$a_id"'") | .amount.units] == ["1000"])
        and ([.data[] | select(.participant_id == "'"$b_id"'") | .amount.units] == ["300"])'
    reward=$(pick '[.data[] | select(.participant_id == "'"$a_id"'")][0].reward_id')
    decision=$(pick '[.data[] | select(.participant_id == "'"$a_id"'")][0].decision_id')
    call GET "/v1/portal/rewards/$reward" "$secret"
    expect "A's tells its history, with actors and reasons" 200 \
        '(.history | length) >= 3 and all(.history[]; .to and .actor and .at)'
    saw "$(pick '[.history[].to] | join(" -> ")')"
    call GET "/v1/portal/eligibility/decisions/$decision" "$secret"
    expect "the decision behind it was stored with its reasons" 200 \
        '.eligible == true and (.checks | length) >= 1 and all(.checks[]; .code and .detail)'
    saw "$(pick '[.checks[].code] | join(", ")')"
}

books_balance() {
    title "The books"
    call GET /v1/portal/ledger/trial-balance "$secret"
    expect "debits equal credits in every asset" 200 \
        '(.data | length) >= 1 and all(.data[]; .balanced and .debits and .debits == .credits)'
    saw "$(pick '.data[] | "\(.asset): \(.debits) = \(.credits)"')"
    call GET "/v1/portal/budgets/$friends" "$secret"
    expect "13.00 USD are spent, nothing is reserved" 200 \
        '.spent.units == "1300" and .reserved.units == "0"'
    call GET "/v1/portal/ledger/accounts?participant_id=$a_id" "$secret"
    expect "A's account holds the money" 200 '(.data | length) >= 1'
}

# await_mail ADDRESS COUNT: waits for so many mails; sets `answer` to them.
await_mail() {
    status=mail
    answer="[]"
    [[ -z $mails ]] || wait_until 40 has_mails "$1" "$2" || true
}

has_mails() {
    answer=$("$root/deploy/local/demo/mails" "$mails" "$1")
    (($(jq length <<<"$answer") >= $2))
}

# expect_mail WHAT CONDITION: one check of the mails that were awaited, and the last one shown.
expect_mail() {
    [[ -n $mails ]] || return 0
    expect "$1" mail "$2"
    saw "$(pick '.[-1] | "to \(.to): \(.subject)"')" "$(pick '.[-1].links[0] // empty')"
}

mails_arrive() {
    title "Both are written to"
    await_mail "$a_email" 2
    expect_mail "A, of the reward for bringing B" 'length == 2'
    await_mail "$b_email" 2
    expect_mail "B, of the welcome and the reward" 'length == 2'
}

told_of() {
    "$root/deploy/local/demo/receiver" check "$place/webhooks.$tag" "$webhook_secret" \
        >"$place/told" && grep -q "$reward" "$place/told"
}

was_told() {
    jq -c --arg path "/$tag" 'select(.path == $path)' "$place/webhooks" >"$place/webhooks.$tag"
    told_of
}

webhook_arrives() {
    title "The client is told"
    expect_that "of A's reward, with a signature that is right" wait_until 40 was_told
    saw "$(jq -r '.type' "$place/told" | sort | uniq -c | sed 's/^ *//')"
    call GET "/v1/portal/webhooks/$webhook/deliveries" "$secret"
    expect "the deliveries can be read" 200 '(.data | length) >= 1'
    call DELETE "/v1/portal/webhooks/$webhook" "$secret"
    expect_that "and the webhook can be removed" test "${status:0:1}" = 2
}

dashboard_shows() {
    local path="/v1/portal/dashboard?campaign_id=$welcome"
    title "The dashboard"
    eventually 40 GET "$path" "$member" \
        '.funnel | .shared == 1 and .clicked >= 1 and .signed_up == 1'
    expect "shows shared, clicked and signed up of the first campaign" 200 \
        '.funnel | .shared == 1 and .clicked >= 1 and .signed_up == 1'
    saw "$(pick '.funnel | tojson')"
    eventually 40 GET "/v1/portal/dashboard?campaign_id=$friends" "$member" \
        '.funnel.converted == 1 and .rewards.count == 2'
    expect "shows converted and the rewards of the second" 200 \
        '.funnel.converted == 1 and .rewards.count == 2'
    saw "$(pick '.funnel | tojson')" "$(pick '.rewards | tojson')"
    expect "A leads its leaderboard" 200 '.leaderboard[0].participant_id == "'"$a_id"'"'
}

live_showed_all() {
    local type
    for type in referral.clicked referral.converted reward.fulfilled; do
        grep -q "$type" "$place/live" || return 1
    done
}

live_showed() {
    title "The live stream"
    expect_that "showed the click, the conversion and the rewards" wait_until 20 live_showed_all
    saw "$(grep -oE '^event: *(referral|reward)\.[a-z_]+' "$place/live" | sed 's/^event: *//' \
        | sort | uniq -c | sed 's/^ */          /; 1s/^ *//')"
    kill "$live_pid" 2>/dev/null || true
}

a_buys_by_own_link() {
    title "Nobody brings themselves"
    tell "$secret" "$a" purchase_completed a-buys "{\"subject\": \"own-$tag\",
        \"properties\": {\"order_id\": \"own-$tag\"}, \"referral\": {\"code\": \"$code\"}}"
    expect "A buys by the own link" 202 "$taken"
    run_of "$friends" "own-$tag"
    call GET "/v1/portal/conversions?campaign_id=$friends" "$secret"
    expect "which is no conversion" 200 '.data | length == 1'
    call GET "/v1/portal/rewards?campaign_id=$friends&status=fulfilled" "$secret"
    expect "and pays nothing" 200 '.data | length == 2'
}

end_campaigns() {
    local id
    for id in "$welcome" "$friends"; do
        call POST "/v1/portal/campaigns/$id/close" "$secret"
        expect "the campaign is closed" 200 '.status == "closed"'
    done
}
