# shellcheck shell=bash disable=SC2154
# Sourced by deploy/demo: what holds beside the journey. `check_rules` is all of it.

check_rules() {
    the_same_again
    no_overspending
    refusals
}

# sign_up USER EVENT PLAN: the body of one event.
sign_up() {
    jq -cn --arg user "$1" --arg id "$2" --arg plan "$3" --arg now "$(now)" --arg tag "$tag" '
        {events: [{event: "user_signed_up", event_id: $id, occurred_at: $now,
            participant_id: $user, properties: {plan: $plan, rules: $tag}}]}'
}

the_same_again() {
    title "A campaign with 12.00 USD in all: 5.00 for every new user on the pro plan"
    definition='{
        "name": "Pro '"$tag"'", "pulse": "signup",
        "triggers": [{"event": "user_signed_up",
            "condition": {"field": "event.properties.rules", "op": "in", "value": ["'"$tag"'"]}}],
        "eligibility": {"field": "event.properties.plan", "op": "in", "value": ["pro", "team"]},
        "reward_rules": [{"rule_id": "welcome", "recipient": "participant", "kind": "credit",
            "amount": {"units": "500", "asset": "USD"}}],
        "budget": {"units": "1200", "asset": "USD"}}'
    call POST /v1/portal/campaigns "$secret" "$definition" "Idempotency-Key: rules-$tag"
    must "is created as a draft" 201 '.status == "draft"'
    campaign=$(pick .campaign_id)
    call POST "/v1/portal/campaigns/$campaign/activate" "$secret"
    must "is activated, $campaign" 200 '.status == "active"'
    runs="/v1/portal/runs?campaign_id=$campaign"
    rewards="/v1/portal/rewards?campaign_id=$campaign"

    title "The same again changes nothing"
    local first
    first=$(sign_up "user-$tag" "rules-$tag" pro)
    call POST /v1/sdk/events "$secret" "$first"
    expect "a user signs up" 202 "$taken"
    call POST /v1/sdk/events "$secret" "$first"
    expect "the same event is a duplicate" 202 \
        '.duplicate == 1 and .results[0].status == "duplicate"'
    call POST /v1/sdk/events "$secret" "$(sign_up "user-$tag" "rules-$tag-again" pro)"
    expect "another event of the same sign-up is accepted" 202 "$taken"
    call POST /events/ingest "$secret" "$(sign_up "other-$tag" "rules-$tag-other" free)"
    expect "a user on the free plan signs up, by the other name of the address" 202 "$taken"
    eventually 40 GET "$runs" "$secret" \
        '(.data | length) == 2 and all(.data[]; .status == "completed")'
    expect "there is a run for each user, none for the repeats" 200 \
        '(.data | length) == 2 and all(.data[]; .status == "completed")'
    call GET "$rewards" "$secret"
    expect "there is one fulfilled reward" 200 \
        '[.data[] | select(.status == "fulfilled")] | length == 1'
    call POST /v1/portal/campaigns "$secret" "$definition" "Idempotency-Key: rules-$tag"
    expect "the same request with the same idempotency key gives the first answer" 201 \
        ".campaign_id == \"$campaign\" and .status == \"draft\""
    expect_that "and says so" grep -qi '^idempotency-replayed: true' "$headers"
    call POST /v1/portal/campaigns "$secret" "${definition/Pro/Other}" "Idempotency-Key: rules-$tag"
    expect "a used idempotency key with another request is refused" 422 \
        '.code == "idempotency_key_reused"'
}

no_overspending() {
    local number
    title "The budget cannot be overspent"
    for number in 1 2 3; do
        call POST /v1/sdk/events "$secret" "$(sign_up "more-$number-$tag" "more-$number-$tag" pro)"
        expect "user $((number + 1)) on the pro plan signs up" 202 "$taken"
    done
    eventually 40 GET "$runs" "$secret" \
        '(.data | length) == 5 and all(.data[]; .status == "completed")'
    expect "each has a run that completes" 200 \
        '(.data | length) == 5 and all(.data[]; .status == "completed")'
    call GET "$rewards" "$secret"
    expect "two users have a reward, for two more there was no money" 200 \
        '[.data[] | select(.status == "fulfilled")] | length == 2'
    call GET "/v1/portal/budgets/$campaign" "$secret"
    expect "10.00 USD are spent, 2.00 USD are left" 200 \
        '.spent.units == "1000" and .reserved.units == "0" and .available.units == "200"'
    call GET /v1/portal/ledger/trial-balance "$secret"
    expect "debits equal credits still" 200 'all(.data[]; .balanced and .debits == .credits)'
}

refusals() {
    title "What is not allowed is refused, with a reason"
    call GET /v1/portal/campaigns ""
    expect "no key" 401 "$is_problem"
    call GET /v1/portal/campaigns "$publishable"
    expect "a publishable key in the portal" "$([[ $status == 401 ]] && echo 401 || echo 403)" \
        "$is_problem"
    call POST /v1/sdk/events gv_sk_0000000000000000000000000000000000000000 '{"events": []}'
    expect "a key that does not exist" 401 "$is_problem"
    call POST /v1/sdk/events "$publishable" "$(sign_up "browser-$tag" "browser-$tag" pro)"
    expect "a browser's event is accepted, but counts for nothing that costs money" 202 "$taken"
    call POST /v1/portal/campaigns "$secret" '{"name": "x", "colour": "red"}'
    expect "an unknown field, with the place where it stands" 400 \
        "$is_problem and (.errors | length) >= 1"
    call POST /v1/portal/campaigns "$secret" '{"name": '
    expect "half a JSON text" 400 "$is_problem"
    call POST /internal/log "$secret" '{}'
    expect "the internal addresses do not exist out here" 404 "$is_problem"
    call GET /v1/portal/campaigns/cmp_00000000000000000000000000 "$secret"
    expect "a campaign that nobody has" 404 "$is_problem"
    call GET /v1/portal/live ""
    expect "no key, at the live stream" 401 "$is_problem"
    call GET "$runs" "$secret"
    expect "the browser's event started no run" 200 '.data | length == 5'
}
