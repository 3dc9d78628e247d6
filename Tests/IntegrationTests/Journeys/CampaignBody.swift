import Kernel

/// What `POST /v1/portal/campaigns` takes.
enum CampaignBody {
    /// 5.00 USD for each sign-up.
    ///
    /// - Parameter byHand: whether a person approves and hands over each reward.
    static func signUp(
        _ name: String, budget: Int = 10_000_000, byHand: Bool = false
    ) -> JSONValue {
        let policy: JSONValue = byHand ? "manual" : "automatic"
        return [
            "name": .string(name), "pulse": "signup",
            "triggers": [["event": "user_signed_up"]],
            "reward_rules": [
                [
                    "rule_id": "welcome", "recipient": "participant", "kind": "credit",
                    "amount": ["units": "500", "asset": "USD"], "approval": policy,
                    "fulfilment": policy,
                ]
            ],
            "budget": ["units": .string("\(budget)"), "asset": "USD"],
        ]
    }
}
