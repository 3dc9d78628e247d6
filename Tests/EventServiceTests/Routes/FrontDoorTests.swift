import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

/// How a request gets in: packed or plain, with its key wherever its sender can put it.
@Suite(.timeLimit(.minutes(2))) struct FrontDoorTests {
    private static let path = "/v1/sdk/events"

    private static func body(_ id: String, _ more: String = "") -> String {
        #"{"events":[{"event":"a","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"u"}]\#(more)}"#
    }

    private static func bytes(_ id: String) -> [UInt8] { Array(body(id).utf8) }

    private static func basic(_ key: String) -> String {
        "Basic " + Data("\(key):".utf8).base64EncodedString()
    }

    @Test func `a key counts in a bearer header, by its own name and as the user of Basic`()
        async throws
    {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            for (name, value) in [
                ("Authorization", "Bearer \(key)"), ("X-Grapevine-Key", key),
                ("Authorization", Self.basic(key)),
            ] {
                var headers: HTTPHeaders = ["Content-Type": "application/json"]
                headers.add(name, value)
                let answer = try await harness.post(Self.path, Self.bytes(value), headers)
                #expect(answer.status == 202, "\(name)")
            }
        }
    }

    @Test func `a beacon sends text and has its key in the address`() async throws {
        try await EventHarness.run { harness in
            let publishable = harness.keys.publishable.text
            let sent = try await harness.post(
                "\(Self.path)?key=\(publishable)", Self.bytes("b1"),
                ["Content-Type": "text/plain;charset=UTF-8"])
            #expect(sent.status == 202)
            #expect(try await harness.logged().map(\.trust) == [.browser])
            let secret = try await harness.post(
                "\(Self.path)?key=\(harness.keys.secret.text)", Self.bytes("b2"),
                ["Content-Type": "text/plain"])
            #expect(secret.status == 403)
            #expect(try JSONCoding.parse(secret.body)["code"] == "secret_key_in_address")
            let none = try await harness.post(
                Self.path, Self.bytes("b3"), ["Content-Type": "text/plain"])
            #expect(none.status == 401)
            #expect(try JSONCoding.parse(none.body)["code"] == "credential_missing")
        }
    }

    @Test func `packed bodies are unpacked, and no further than allowed`() async throws {
        try await EventHarness.run { harness in
            var headers: HTTPHeaders = [
                "Content-Type": "application/json", "Content-Encoding": "gzip",
                "Authorization": "Bearer \(harness.keys.secret.text)",
            ]
            let packed = try #require(Gzip.pack(Self.bytes("z1")))
            #expect(try await harness.post(Self.path, packed, headers).status == 202)
            let bomb = try #require(
                Gzip.pack(Array(repeating: UInt8(ascii: " "), count: 8 << 20)))
            #expect(bomb.count < 100_000)
            #expect(try await harness.post(Self.path, bomb, headers).status == 413)
            let broken = try await harness.post(Self.path, Self.bytes("z2"), headers)
            #expect(broken.status == 400)
            headers.remove("Content-Encoding")
            headers.add("Content-Encoding", "br")
            #expect(try await harness.post(Self.path, packed, headers).status == 415)
        }
    }

    @Test func `a page of an origin that the key does not name is refused`() async throws {
        try await EventHarness.run { harness in
            func status(_ origin: String?) async throws -> Int {
                var headers: HTTPHeaders = ["Content-Type": "text/plain"]
                if let origin { headers.add("Origin", origin) }
                return try await harness.post(
                    "\(Self.path)?key=\(harness.keys.bound.text)", Self.bytes("o"), headers
                ).status
            }
            let statuses = [
                try await status(KeyDirectory.origin), try await status("https://evil.example"),
                try await status(nil),
            ]
            #expect(statuses == [202, 403, 403])
        }
    }

    @Test func `a browser that asks first may send packed JSON with a key`() async throws {
        try await EventHarness.run { harness in
            let answer = try await harness.http.send(
                ClientRequest(
                    method: .options, url: harness.service.url + Self.path,
                    headers: [
                        "Origin": KeyDirectory.origin, "Access-Control-Request-Method": "POST",
                        "Access-Control-Request-Headers": "authorization, content-encoding",
                    ]))
            #expect(answer.status == 204)
            #expect(answer.headers["Access-Control-Allow-Origin"] == KeyDirectory.origin)
            let allowed = answer.headers["Access-Control-Allow-Headers"] ?? ""
            #expect(allowed.contains("Authorization") && allowed.contains("Content-Encoding"))
        }
    }

    @Test func `size and type are refused before the key, the key before the content`()
        async throws
    {
        try await EventHarness.run { harness in
            let large = [UInt8](repeating: 32, count: IngestEvents.maximumBytes + 1)
            let json: HTTPHeaders = ["Content-Type": "application/json"]
            #expect(try await harness.post(Self.path, large, json).status == 413)
            let xml: HTTPHeaders = ["Content-Type": "application/xml"]
            #expect(try await harness.post(Self.path, [32], xml).status == 415)
            #expect(try await harness.post(Self.path, Array("{".utf8), json).status == 401)
            let closed = harness.keys.suspended.text
            #expect(try await harness.post(Self.path, json: "{}", key: closed).status == 403)
            let known = try await harness.post(
                Self.path, json: "{}", key: harness.keys.secret.text)
            #expect(known.status == 400)
        }
    }

    @Test func `a log that cannot be written says when to try again, and then takes the same`()
        async throws
    {
        try await EventHarness.run { harness in
            let headers: HTTPHeaders = [
                "Content-Type": "application/json",
                "Authorization": "Bearer \(harness.keys.secret.text)",
            ]
            let client = harness.database.client()
            _ = try await client.execute("alter table log_segment rename to log_segment_away")
            let refused = try await harness.post(Self.path, Self.bytes("r1"), headers)
            #expect(refused.status == 503)
            #expect(refused.headers["Retry-After"] == "1")
            #expect(try JSONCoding.parse(refused.body)["code"] == "log_unavailable")
            _ = try await client.execute("alter table log_segment_away rename to log_segment")
            await client.shutdown()
            #expect(try await harness.post(Self.path, Self.bytes("r1"), headers).status == 202)
            #expect(try await harness.logged().map(\.eventID) == ["r1"])
        }
    }

    @Test func `a sender with a wrong clock is put right, and told when it writes nonsense`()
        async throws
    {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let early = Self.body("c1", #","sent_at":"2026-01-31T09:30:10Z""#)
            #expect(try await harness.post(Self.path, json: early, key: key).status == 202)
            let event = try #require(try await harness.logged().first)
            let difference = event.receivedAt - event.occurredAt
            #expect(difference == .seconds(10))
            #expect(event.context?.at("told.occurred_at") == "2026-01-31T09:30:00.000Z")
            let wrong = try await harness.post(
                Self.path, json: Self.body("c2", #","sent_at":7"#), key: key)
            #expect(wrong.status == 400)
            #expect(wrong.body["code"] == "invalid_sent_at")
        }
    }
}
