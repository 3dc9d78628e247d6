import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

@Suite struct LiveTests {
    private static func authorization(_ tenant: StandInLog.Tenant) -> String {
        "Authorization: Bearer \(tenant.key.text)"
    }

    /// An event stream that is watching.
    private static func stream(
        _ service: RunningService<AnalyticsService>, _ tenant: StandInLog.Tenant,
        query: String = "", headers: [String] = []
    ) async throws -> LiveClient {
        let client = try LiveClient(
            service.url, "/v1/portal/live\(query)", [authorization(tenant)] + headers)
        try await eventually("the view has begun") { client.isWatching }
        return client
    }

    @Test func `a client sees its own events as they come, and nobody else's`() async throws {
        try await AnalyticsHarness.run { harness in
            let log = harness.log
            try await harness.withService { service in
                let own = try await Self.stream(service, log.tenant)
                let other = try await Self.stream(service, log.other)
                defer {
                    own.leave()
                    other.leave()
                }
                #expect(own.text.contains("text/event-stream"))
                log.append("their_event", of: log.other)
                let place = log.append(
                    "purchase_completed", id: "evt-1", of: log.tenant,
                    participant: LogParticipant(
                        participantID: ParticipantID(UUID()), externalID: "u1",
                        anonymousID: "anon", traits: ["email": "a@b.example"]),
                    trust: .server, properties: ["card": "4111"])
                log.append(
                    "referral.clicked", of: log.tenant,
                    properties: ["code": "ANNA", "channel": "email"])
                try await eventually("both events are there") { own.events.count == 2 }
                try await eventually("the other's is there") { other.events.count == 1 }
                let first = own.events[0]
                #expect(first.id == "\(place)")
                #expect(first.type == "purchase_completed")
                #expect(first.data["event_id"]?.string == "evt-1")
                #expect(first.data["participant"] == ["external_id": "u1"])
                #expect(first.data["properties"] == nil)
                #expect(own.events[1].data["properties"]?["code"]?.string == "ANNA")
                #expect(other.events.map(\.type) == ["their_event"])
                #expect(!own.text.contains("anon") && !own.text.contains("a@b.example"))
            }
        }
    }

    @Test func `a view of one campaign shows only its events`() async throws {
        try await AnalyticsHarness.run { harness in
            let (wanted, unwanted) = (CampaignID(UUID()), CampaignID(UUID()))
            try await harness.withService { service in
                let client = try await Self.stream(
                    service, harness.log.tenant, query: "?campaign_id=\(wanted)")
                defer { client.leave() }
                harness.log.append("reward.earned", campaign: unwanted)
                harness.log.append("page_viewed")
                harness.log.append("reward.fulfilled", campaign: wanted)
                try await eventually("the campaign's event is there") { client.events.count == 1 }
                #expect(client.events[0].type == "reward.fulfilled")
                #expect(client.events[0].data["campaign_id"]?.string == "\(wanted)")
            }
        }
    }

    @Test func `who comes back misses nothing and sees nothing twice`() async throws {
        try await AnalyticsHarness.run { harness in
            let log = harness.log
            for number in 0..<1300 { log.append("before", id: "before-\(number)") }
            try await harness.withService { service in
                let client = try await Self.stream(
                    service, log.tenant, headers: ["Last-Event-ID: 0:1000"])
                defer { client.leave() }
                for number in 0..<50 { log.append("after", id: "after-\(number)") }
                try await eventually("all are there") { client.events.count >= 350 }
                let ids = client.events.compactMap { $0.data["event_id"]?.string }
                #expect(
                    ids == (1000..<1300).map { "before-\($0)" } + (0..<50).map { "after-\($0)" })
            }
        }
    }

    @Test func `who was away for too long is told of the gap`() async throws {
        try await AnalyticsHarness.run { harness in
            for _ in 0..<12_000 { harness.log.append("old", of: harness.log.tenant) }
            try await harness.withService { service in
                let client = try await Self.stream(
                    service, harness.log.tenant, headers: ["Last-Event-ID: 0:1"])
                defer { client.leave() }
                try await eventually("the gap is told") {
                    client.events.contains { $0.type == "live.gap" && $0.id == "0:12000" }
                }
                harness.log.append("new")
                try await eventually("it goes on") { client.events.last?.type == "new" }
            }
        }
    }

    @Test func `a revoked key ends the view and opens no other`() async throws {
        try await AnalyticsHarness.run { harness in
            let log = harness.log
            try await harness.withService { service in
                let client = try await Self.stream(service, log.tenant)
                let socket = try LiveClient.webSocket(
                    service.url, "/v1/portal/live", headers: [Self.authorization(log.tenant)])
                try await eventually("both watch") { service.service.liveFeed.viewCount == 2 }
                log.revokeKey(of: log.tenant)
                try await eventually("the stream ends") { client.hasEnded || client.isFinished }
                try await eventually("the socket is closed") { socket.frames.closeCode == 1008 }
                socket.leave()
                client.leave()
                let refused = try LiveClient(
                    service.url, "/v1/portal/live", [Self.authorization(log.tenant)])
                try await eventually("a new view is refused") { refused.status == 401 }
                refused.leave()
                try await eventually("no view is left") { service.service.liveFeed.viewCount == 0 }
            }
        }
    }

    @Test func `a page watches by WebSocket with its token as a subprotocol`() async throws {
        try await AnalyticsHarness.run { harness in
            let log = harness.log
            try await harness.withService { service in
                let token = "grapevine.bearer.\(log.tenant.key.text)"
                let client = try LiveClient.webSocket(
                    service.url, "/v1/portal/live?last_event_id=0:0",
                    protocols: ["grapevine.live", token])
                defer { client.leave() }
                try await eventually("it is upgraded") { client.status == 101 }
                #expect(client.text.contains("Sec-WebSocket-Protocol: grapevine.live\r\n"))
                #expect(!client.text.contains(log.tenant.key.text))
                log.append("their_event", of: log.other)
                let place = log.append("signup", id: "evt-1", trust: .server)
                try await eventually("the event is there") { client.frames.messages.count == 1 }
                let message = client.frames.messages[0]
                #expect(message["id"]?.string == "\(place)")
                #expect(message["type"]?.string == "signup")
                #expect(message["event_id"]?.string == "evt-1")
            }
        }
    }

    @Test func `a wrong token is refused before the upgrade`() async throws {
        try await AnalyticsHarness.run { harness in
            try await harness.withService { service in
                let forged = APIKeySecretText.unknown
                let clients = [
                    try LiveClient.webSocket(service.url, "/v1/portal/live"),
                    try LiveClient.webSocket(
                        service.url, "/v1/portal/live",
                        protocols: ["grapevine.live", "grapevine.bearer.\(forged)"]),
                    // The subprotocol counts only for a WebSocket.
                    try LiveClient(
                        service.url, "/v1/portal/live",
                        [
                            "Sec-WebSocket-Protocol: grapevine.bearer."
                                + harness.log.tenant.key.text
                        ]),
                ]
                for client in clients {
                    try await eventually("it is refused") { client.status == 401 }
                    #expect(client.text.contains("application/problem+json"))
                    client.leave()
                }
            }
        }
    }

    @Test func `a malformed question is refused`() async throws {
        try await AnalyticsHarness.run { harness in
            try await harness.withService { service in
                for query in ["campaign_id=nonsense", "last_event_id=nonsense"] {
                    let answer = try await harness.get("/live?\(query)", service)
                    #expect(answer.status == 400)
                }
            }
        }
    }

    @Test func `a view that nobody reads any more is noticed`() async throws {
        try await AnalyticsHarness.run { harness in
            try await harness.withService { service in
                let client = try await Self.stream(service, harness.log.tenant)
                #expect(service.service.liveFeed.viewCount == 1)
                client.leave()
                try await eventually("the view is closed", within: .seconds(30)) {
                    service.service.liveFeed.viewCount == 0
                }
            }
        }
    }
}

private enum APIKeySecretText {
    /// Well-formed, and nobody's.
    static let unknown = "gv_sk_" + String(repeating: "a", count: 43)
}
