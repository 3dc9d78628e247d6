import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import CampaignService

@Suite struct CampaignContentTests {
    private func content(_ changes: [String: JSONValue] = [:]) throws -> CampaignContent {
        var members = try #require(CampaignSample.document.object)
        for (name, value) in changes { members[name] = value }
        let bytes = try JSONCoding.encode(JSONValue.object(members))
        return try JSONCoding.decode(CampaignContent.self, from: bytes, strictness: .strict)
    }

    @Test func `a good campaign has no problems and gets its defaults`() throws {
        let content = try content()
        #expect(content.problems.isEmpty)
        let definition = content.definition(
            CampaignID(UUID()), of: ClientID(UUID()), revision: 1, status: .draft)
        #expect(definition.triggers.map(\.event) == ["user_signed_up"])
        #expect(definition.triggers.map(\.minimumTrust) == [.signedUser])
        #expect(definition.rewardRules.map(\.approval) == [.automatic])
    }

    @Test(
        arguments: [
            (["name": "  "], "/name"),
            (["budget": ["units": "0", "asset": "USD"]], "/budget/units"),
            (
                ["budget": ["units": "1000000000000000000000000000000", "asset": "USD"]],
                "/budget/units"
            ),
            (["reward_rules": []], "/reward_rules"),
            (["triggers": []], "/triggers"),
            (["triggers": [["event": "a b"]]], "/triggers/0/event"),
            (["limits": ["maximum_rewards": 0]], "/limits/maximum_rewards"),
            (
                ["starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"],
                "/ends_at"
            ),
            (["eligibility": ["field": "secret.x", "op": "exists"]], "/eligibility"),
            (["budget": ["units": "999", "asset": "USD"]], "/reward_rules/0/amount/units"),
            (["budget": ["units": "9999", "asset": "EUR"]], "/reward_rules/0/amount/asset"),
        ] as [([String: JSONValue], String)])
    func `a bad campaign says where`(_ changes: [String: JSONValue], _ pointer: String) throws {
        #expect(try content(changes).problems.map(\.pointer).contains(pointer))
    }

    @Test func `two rules cannot have one name`() throws {
        let rule = try #require(CampaignSample.document.at("reward_rules")?.array?.first)
        let problems = try content(["reward_rules": .array([rule, rule])]).problems
        #expect(problems.map(\.pointer) == ["/reward_rules/1/rule_id"])
    }

    @Test func `a rule that is too deep is refused`() throws {
        var rule: JSONValue = ["field": "traits.a", "op": "exists"]
        for _ in 0..<9 { rule = ["not": rule] }
        #expect(try content(["eligibility": rule]).problems.map(\.code) == ["rule_too_large"])
    }

    private let referral: JSONValue = ["destination_url": "https://shop.example/welcome"]

    @Test func `a campaign with referral gets its defaults`() throws {
        let changes: [String: JSONValue] = [
            "referral": referral,
            "notifications": [
                ["recipient": "participant", "channel": "email", "template": "welcome"]
            ],
        ]
        let content = try content(changes)
        #expect(content.problems.isEmpty)
        let definition = content.definition(
            CampaignID(UUID()), of: ClientID(UUID()), revision: 1, status: .draft)
        #expect(
            definition.referral
                == ReferralPolicy(
                    destinationURL: "https://shop.example/welcome", allowedHosts: [],
                    attributionWindowSeconds: 30 * 86_400))
        #expect(definition.notifications?.map(\.template) == ["welcome"])
    }

    @Test func `a conversion campaign attributes also when it says nothing of referral`() throws {
        var rule = try #require(
            CampaignSample.document.at("reward_rules")?.array?.first?.object)
        rule["recipient"] = "referrer"
        let content = try content([
            "pulse": "conversion", "reward_rules": [.object(rule)],
        ])
        #expect(content.problems.isEmpty)
        let definition = content.definition(
            CampaignID(UUID()), of: ClientID(UUID()), revision: 1, status: .draft)
        #expect(definition.referral == ReferralPolicy(destinationURL: nil))
        #expect(
            definition.triggers.map(\.event) == ["purchase_completed", "referred_made_purchase"])
    }

    @Test(
        arguments: [
            (["referral": [:]], "/referral/destination_url"),
            (
                ["referral": ["destination_url": "http://shop.example/"]],
                "/referral/destination_url"
            ),
            (
                [
                    "referral": [
                        "destination_url": "https://a.example/", "allowed_hosts": ["A.example"],
                    ]
                ],
                "/referral/allowed_hosts/0"
            ),
            (
                [
                    "referral": [
                        "destination_url": "https://a.example/",
                        "allowed_hosts": ["b.example", "b.example"],
                    ]
                ],
                "/referral/allowed_hosts/1"
            ),
            (
                [
                    "referral": [
                        "destination_url": "https://a.example/", "attribution_window_seconds": 59,
                    ]
                ],
                "/referral/attribution_window_seconds"
            ),
            (
                [
                    "notifications": [
                        ["recipient": "participant", "channel": "email", "template": "Welcome!"]
                    ]
                ],
                "/notifications/0/template"
            ),
            (
                [
                    "notifications": [
                        ["recipient": "participant", "channel": "email", "template": "hello"],
                        ["recipient": "participant", "channel": "email", "template": "hello"],
                    ]
                ],
                "/notifications/1"
            ),
            (
                [
                    "notifications": [
                        ["recipient": "referrer", "channel": "email", "template": "hello"]
                    ]
                ],
                "/notifications/0/recipient"
            ),
        ] as [([String: JSONValue], String)])
    func `a bad referral policy or notification says where`(
        _ changes: [String: JSONValue], _ pointer: String
    ) throws {
        #expect(try content(changes).problems.map(\.pointer) == [pointer])
    }

    @Test func `nobody rewards a referrer without a referral policy`() throws {
        var rule = try #require(
            CampaignSample.document.at("reward_rules")?.array?.first?.object)
        rule["recipient"] = "referrer"
        let problems = try content(["reward_rules": [.object(rule)]]).problems
        #expect(problems.map(\.code) == ["referral_required"])
        #expect(problems.map(\.pointer) == ["/reward_rules/0/recipient"])
    }

    @Test func `no more hosts and notifications than there is room for`() throws {
        let hosts = (0...20).map { JSONValue.string("h\($0).example") }
        let messages = (0...10).map { number -> JSONValue in
            [
                "recipient": "participant", "channel": "email",
                "template": .string("template_\(number)"),
            ]
        }
        let problems = try content([
            "referral": [
                "destination_url": "https://a.example/", "allowed_hosts": .array(hosts),
            ],
            "notifications": .array(messages),
        ]).problems
        #expect(
            problems.map(\.pointer) == ["/referral/allowed_hosts", "/notifications"])
        #expect(problems.map(\.code) == ["invalid_count", "invalid_count"])
    }
}
