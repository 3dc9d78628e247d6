import Kernel

/// What routes are sent on the walk. A route that is in none of these tables is sent an empty
/// object; when it wants more, the walk fails and whoever added the route adds its body here.
enum TenancyBodies {
    /// Bodies of routes with ids in their path.
    static let atPaths: [String: JSONValue] = [
        "PUT /v1/portal/campaigns/{campaign_id}": CampaignBody.signUp("mine"),
        "POST /v1/portal/rewards/{reward_id}/approve": ["reason": "mine"],
        "POST /v1/portal/rewards/{reward_id}/reject": ["reason": "mine"],
        "POST /v1/portal/rewards/{reward_id}/fulfil": ["reason": "mine"],
        "POST /v1/portal/rewards/{reward_id}/reverse": ["reason": "mine"],
        "POST /v1/portal/webhook-sources/{source_id}/dry-run": ["body": [:]],
        "POST /v1/portal/templates/{template_key}/publish": ["version": 1],
        "POST /v1/portal/templates/{template_key}/preview": ["version": 1, "variables": [:]],
        "POST /v1/portal/templates/{template_key}/versions": ["subject": "mine", "text": "mine"],
    ]

    /// Bodies with ids in them, of routes that must not know them.
    static func naming(_ ids: [String: String]) -> [String: JSONValue] {
        let both: [String: JSONValue] = [
            "campaign_id": .string(ids["campaign_id"] ?? ""),
            "participant_id": .string(ids["participant_id"] ?? ""),
        ]
        return [
            "POST /v1/portal/eligibility/check": .object(both),
            "POST /v1/portal/conversions/check": .object(
                both.merging(["kind": "signup"]) { $1 }),
        ]
    }

    /// Routes that make something of the caller's own and take no id of anything.
    static let creations: Set<String> = [
        "POST /v1/portal/campaigns", "POST /v1/portal/erasures", "POST /v1/portal/keys",
        "POST /v1/portal/rejected-events/replay", "POST /v1/portal/suppressions",
        "PATCH /v1/portal/event-settings", "POST /v1/portal/event-types",
        "POST /v1/portal/templates", "POST /v1/portal/test-clock/advance",
        "POST /v1/portal/webhook-sources", "POST /v1/portal/webhooks", "POST /v1/sdk/events",
        "POST /v1/sdk/cloudevents", "POST /v1/sdk/posthog/i/v0/e",
        "POST /v1/sdk/posthog/i/v1/analytics/events",
    ]

    /// Routes that never end; they have a test of their own.
    static let streams: Set<String> = ["GET /v1/portal/live", "GET /v1/portal/events/live"]

    /// Routes that tell how far everybody is, which changes by itself.
    static let moving: Set<String> = ["GET /v1/portal/events/{position}"]

    /// What lists and reports can be asked for by an id of somebody's.
    static func filters(_ ids: [String: String]) -> [String] {
        let campaign = ids["campaign_id"] ?? ""
        let participant = ids["participant_id"] ?? ""
        return [
            "rewards?campaign_id=\(campaign)", "rewards?participant_id=\(participant)",
            "runs?campaign_id=\(campaign)", "runs?subject=\(participant)",
            "ledger/accounts?campaign_id=\(campaign)",
            "ledger/accounts?participant_id=\(participant)", "participants?external_id=nouns-a",
            "interactions?participant_id=\(participant)", "interactions?external_id=nouns-a",
            "participants?cursor=\(participant)", "campaigns?cursor=\(campaign)",
            "links?campaign_id=\(campaign)", "links?participant_id=\(participant)",
            "referrals?referrer_id=\(participant)", "conversions?campaign_id=\(campaign)",
            "conversions?referrer_id=\(participant)", "notifications?campaign_id=\(campaign)",
            "notifications?participant_id=\(participant)", "dashboard?campaign_id=\(campaign)",
            "suppressions?address=nobody@people.example", "rejected-events?event_id=owners",
            "events?participant=\(participant)", "events?participant=nouns-a",
        ].map { "/v1/portal/\($0)" }
    }
}
