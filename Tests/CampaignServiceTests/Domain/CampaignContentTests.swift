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
}
