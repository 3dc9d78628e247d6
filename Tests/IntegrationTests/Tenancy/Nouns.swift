import HTTPKit
import Kernel
import SecurityKit
import TestKit
import Testing

/// One of each thing that a client can have, by the name that routes have for its id.
struct Nouns: Sendable {
    let ids: [String: String]

    /// Ids of the right form that nobody has.
    static let nobodys: [String: String] = [
        "campaign_id": id("cmp"), "client_id": id("cli"), "conversion_decision_id": id("dec"),
        "conversion_id": id("cnv"), "decision_id": id("dec"), "delivery_id": id("whd"),
        "erasure_id": id("ers"),
        "key_id": id("key"), "member_id": id("mem"), "notification_id": id("ntf"),
        "participant_id": id("ptc"), "position": "7:999999999", "rejection_id": id("rej"),
        "reward_id": id("rwd"),
        "run_id": id("run"),
        "source_id": id("whs"),
        "suppression_id": Base64URL.encode([UInt8](repeating: 7, count: 32)),
        "event_type": "nobodys", "secret_scope": id("key"), "template_key": "nobodys",
        "version": "1", "webhook_id": id("whk"),
    ]

    /// Placeholders that are nobody's: other people's clients put what they do into the path, and
    /// a key that every page shows.
    static let areNoIDs: Set<String> = ["call", "write_key"]

    private static func id(_ prefix: String) -> String { "\(prefix)_01h455vb4pex5vsknk084sn02q" }

    /// Plays a journey and looks up everything that came of it.
    static func make(of tenant: Tenant, _ deployment: Deployment) async throws -> Nouns {
        let acknowledged = Acknowledged()
        let receiver = try await WebhookReceiver.start(
            for: tenant, types: ["reward.fulfilled"], key: "nouns")
        let journey = try await ReferralJourney.begin("nouns", tenant, acknowledged)
        try await journey.play("nouns")
        try await journey.waitForRewards(of: 1)
        let server = tenant.server
        try await fill(tenant.server)
        // Nothing changes any more while strangers knock.
        try await Audit(deployment: deployment).expectClean(acknowledged)
        try await eventually("the person is erased", within: .seconds(60)) {
            let erasures = try await server.send(.get, "/v1/portal/erasures").expecting(200)
            return erasures["data"]?.array?.allSatisfy { $0["status"] == "done" } == true
        }
        await receiver.stop()

        func first(_ path: String, _ name: String) async throws -> String {
            let list = try await server.send(.get, path).expecting(200)
            guard let id = list["data"]?.array?.first?[name]?.string else {
                throw UnexpectedAnswer(answer: list, wanted: name)
            }
            return id
        }
        var ids = [
            "campaign_id": "\(journey.signUps.campaignID)", "client_id": "\(tenant.clientID)",
            "event_type": "owners", "template_key": "owners", "version": "1",
            // Owners are made by staff only; any member's id is as good here.
            "member_id": nobodys["member_id"] ?? "",
        ]
        for (name, path) in [
            ("conversion_id", "conversions"), ("erasure_id", "erasures"), ("key_id", "keys"),
            ("notification_id", "notifications"), ("participant_id", "participants"),
            ("position", "events"), ("rejection_id", "rejected-events"), ("reward_id", "rewards"),
            ("run_id", "runs"),
            ("suppression_id", "suppressions"),
            ("source_id", "webhook-sources"), ("webhook_id", "webhooks"),
        ] { ids[name] = try await first("/v1/portal/\(path)", name) }
        ids["secret_scope"] = ids["key_id"]
        ids["decision_id"] = try await first("/v1/portal/rewards", "decision_id")
        ids["conversion_decision_id"] = try await first("/v1/portal/conversions", "decision_id")
        ids["delivery_id"] = try await first(
            "/v1/portal/webhooks/\(ids["webhook_id"] ?? "")/deliveries", "delivery_id")
        return Nouns(ids: ids)
    }

    /// Makes what no journey makes.
    private static func fill(_ server: Caller) async throws {
        try await server.send(
            .post, "/v1/portal/templates",
            ["key": "owners", "subject": "Hello", "text": "Hello {{participant.external_id}}"],
            key: "template"
        ).expecting(201)
        try await server.send(
            .post, "/v1/portal/suppressions", ["address": "nobody@people.example"], key: "suppress"
        ).expecting(200, 201)
        try await server.send(
            .post, "/v1/portal/webhook-sources",
            ["kind": "shopify", "name": "owners", "secret": "the-owners-shared-secret"],
            key: "source"
        ).expecting(201)
        try await server.send(
            .post, "/v1/sdk/events", ["events": [["event": "nobodys_doing", "event_id": "owners"]]]
        ).expecting(202)
        try await server.send(
            .post, "/v1/portal/erasures", ["participant_id": "nouns-forgotten"], key: "erasure"
        ).expecting(202)
        try await server.send(
            .post, "/v1/portal/event-types", ["name": "owners", "schema": ["type": "object"]],
            key: "event-type"
        ).expecting(201)
    }

    /// The value for a placeholder of a route; two services have decisions.
    static func value(
        _ placeholder: String, in route: RouteTable.Route, of ids: [String: String]
    ) -> String? {
        let isConversions = route.template.hasPrefix("/v1/portal/conversions/")
        return ids[
            isConversions && placeholder == "decision_id" ? "conversion_decision_id" : placeholder]
    }

    /// What of this no stranger may ever see, in any answer.
    var secrets: [String] {
        let shared = ["event_type", "template_key", "version", "member_id", "position"]
        return ids.filter { !shared.contains($0.key) }.values.sorted()
    }
}
