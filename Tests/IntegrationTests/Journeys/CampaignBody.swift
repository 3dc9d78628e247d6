import Kernel

/// What `POST /v1/portal/campaigns` takes.
enum CampaignBody {
    /// 5.00 USD, a referral link and a mail for each sign-up.
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
            "referral": ["destination_url": "https://shop.example/welcome"],
            "notifications": [
                ["recipient": "participant", "channel": "email", "template": "welcome"]
            ],
        ]
    }

    /// 10.00 USD for who brought the buyer, 3.00 USD for the buyer, and a mail to both.
    static func order(_ name: String, budget: Int = 10_000_000) -> JSONValue {
        func rule(_ name: String, _ recipient: String, _ units: String) -> JSONValue {
            [
                "rule_id": .string(name), "recipient": .string(recipient), "kind": "credit",
                "amount": ["units": .string(units), "asset": "USD"],
            ]
        }
        return [
            "name": .string(name), "pulse": "conversion",
            "triggers": [
                ["event": "purchase_completed"], ["event": "referred_made_purchase"],
            ],
            "reward_rules": [
                rule("thanks", "referrer", "1000"), rule("friend", "participant", "300"),
            ],
            "budget": ["units": .string("\(budget)"), "asset": "USD"],
            "notifications": [
                ["recipient": "referrer", "channel": "email", "template": "reward_referrer"],
                ["recipient": "participant", "channel": "email", "template": "reward_participant"],
            ],
        ]
    }
}
