import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

/// Signed bodies and signed user tokens, through the front door.
@Suite(.timeLimit(.minutes(2))) struct EventTrustTests {
    private func event(_ id: String, _ person: String?) -> String {
        let who =
            person.map { #""participant_id":"\#($0)""# } ?? #""anonymous_id":"visitor""#
        return
            #"{"event":"user_signed_up","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z",\#(who)}"#
    }

    private func secret(_ scope: String, _ harness: EventHarness, _ body: JSONValue = [:])
        async throws -> String
    {
        let answer = try await harness.portal(.post, "/event-secrets/\(scope)/rotate", body)
        #expect(answer.status == 200, "\(answer.body)")
        #expect(answer.headers["Cache-Control"] == "no-store")
        return try #require(answer.body["secret"]?.string)
    }

    private func token(
        _ person: String, _ secret: String, audience: String = "grapevine",
        lifetime: Duration = .seconds(600)
    ) throws -> String {
        try JWTSigner.hs256(secret: Array(secret.utf8)).sign(
            JWTClaims(sub: person, aud: [audience], exp: SystemClock().now() + lifetime))
    }

    private func sent(
        _ events: String, key: APIKeySecret, headers: [(String, String)] = [],
        _ harness: EventHarness
    ) async throws -> (status: Int, body: JSONValue) {
        try await harness.ingest(events, key: key.text, headers: headers)
    }

    private func signature(_ body: String, _ secret: String, secondsAgo: Int64 = 0) -> String {
        let time = SystemClock().now().unixSeconds - secondsAgo
        let code = Digest.hmacSHA256(
            key: Array(secret.utf8), message: Array("\(time).\(body)".utf8))
        return "t=\(time),v1=\(Hex.encode(code))"
    }

    @Test func `a key with a secret takes signed bodies only, in every front`() async throws {
        try await EventHarness.run { harness in
            let secret = try await secret("\(harness.keys.secretID)", harness)
            let list = "[\(event("a", "p"))]"
            let body = #"{"events":\#(list)}"#
            func send(_ header: String?) async throws -> (status: Int, body: JSONValue) {
                try await sent(
                    list, key: harness.keys.secret,
                    headers: header.map { [("X-Grapevine-Signature", $0)] } ?? [], harness)
            }
            let unsigned = try await send(nil)
            #expect(unsigned.status == 401)
            #expect(unsigned.body["code"] == "signature_required")
            for (header, code) in [
                (signature(body + " ", secret), "signature_invalid"),
                (signature(body, secret + "x"), "signature_invalid"),
                (signature(body, secret, secondsAgo: 400), "signature_expired"),
                (signature(body, secret, secondsAgo: -400), "signature_expired"),
                ("v1=00", "signature_invalid"), ("t=1", "signature_invalid"),
                ("t=1,t=2,v1=00", "signature_invalid"), ("", "signature_invalid"),
            ] {
                let refused = try await send(header)
                #expect(refused.status == 401, "\(header)")
                #expect(refused.body["code"] == .string(code), "\(header)")
            }
            let nothing = try await harness.logged()
            #expect(nothing.isEmpty)
            let good = signature(body, secret)
            let taken = try await send(good)
            #expect(taken.body["accepted"] == 1)
            let replayed = try await send(good)
            #expect(replayed.body["duplicate"] == 1, "a replay changes nothing")
            let segment = try await harness.post(
                "/v1/sdk/segment/v1/identify", json: #"{"userId":"u","messageId":"m"}"#,
                key: harness.keys.secret.text)
            #expect(segment.status == 401)
            let other = try await sent(
                "[\(event("b", "p"))]", key: harness.keys.publishable, harness)
            #expect(other.body["accepted"] == 1, "another key needs no signature")
        }
    }

    @Test func `while a secret is rotated the one before counts, and a dropped one asks for none`()
        async throws
    {
        try await EventHarness.run { harness in
            let scope = "\(harness.keys.secretID)"
            let first = try await secret(scope, harness)
            let second = try await secret(scope, harness, ["keep_previous_seconds": 600])
            #expect(first != second)
            for (index, secret) in [first, second].enumerated() {
                let list = "[\(event("r\(index)", "p"))]"
                let answer = try await sent(
                    list, key: harness.keys.secret,
                    headers: [
                        ("X-Grapevine-Signature", signature(#"{"events":\#(list)}"#, secret))
                    ], harness)
                #expect(answer.body["accepted"] == 1)
            }
            _ = try await secret(scope, harness, ["keep_previous_seconds": 0])
            let list = "[\(event("r3", "p"))]"
            let old = try await sent(
                list, key: harness.keys.secret,
                headers: [("X-Grapevine-Signature", signature(#"{"events":\#(list)}"#, second))],
                harness)
            #expect(old.status == 401)
            let shown = try await harness.portal(.get, "/event-secrets")
            #expect(shown.body["data"]?.array?.map { $0["scope"] } == [.string(scope)])
            #expect(shown.body["data"]?.array?.first?["secret"] == nil)
            let gone = try await harness.portal(.delete, "/event-secrets/\(scope)")
            #expect(gone.status == 204)
            let plain = try await sent(list, key: harness.keys.secret, harness)
            #expect(plain.body["accepted"] == 1)
        }
    }

    @Test func `a user token makes a browser's events of that person believed`() async throws {
        try await EventHarness.run { harness in
            let secret = try await secret("user_tokens", harness)
            let answer = try await sent(
                "[\(event("a", "ada")),\(event("b", "bob")),\(event("c", nil))]",
                key: harness.keys.publishable,
                headers: [("X-Grapevine-User-Token", try token("ada", secret))], harness)
            let results = try #require(answer.body["results"]?.array)
            #expect(results.map { $0["status"] } == ["accepted", "rejected", "accepted"])
            #expect(results[1]["code"] == "user_token_mismatch")
            #expect(results[1]["pointer"] == "/participant_id")
            let server = try await sent(
                "[\(event("d", "ada"))]", key: harness.keys.secret,
                headers: [("X-Grapevine-User-Token", try token("ada", secret))], harness)
            #expect(server.body["accepted"] == 1)
            let body =
                #"{"events":[\#(event("e", "ada"))],"user_token":"\#(try token("ada", secret))"}"#
            let beacon = try await harness.http.send(
                ClientRequest(
                    method: .post,
                    url:
                        "\(harness.service.url)/v1/sdk/events?key=\(harness.keys.publishable.text)",
                    headers: ["Content-Type": "text/plain"], body: Array(body.utf8)))
            #expect(beacon.status == 202)
            let trusts = Dictionary(
                uniqueKeysWithValues: try await harness.logged().map { ($0.eventID, $0.trust) })
            #expect(
                trusts == [
                    "a": .signedUser, "c": .browser, "d": .server, "e": .signedUser,
                ])
        }
    }

    @Test func `a token that does not count refuses the request and nothing of it is taken`()
        async throws
    {
        try await EventHarness.run { harness in
            func code(_ token: String) async throws -> JSONValue? {
                let answer = try await sent(
                    "[\(event("a", "ada"))]", key: harness.keys.publishable,
                    headers: [("X-Grapevine-User-Token", token)], harness)
                #expect(answer.status == 401)
                return answer.body["code"]
            }
            let nobodys = EventSecretKeys.generate()
            let none = try await code(try token("ada", nobodys))
            #expect(none == "user_token_invalid")
            let secret = try await secret("user_tokens", harness)
            let wrong = try await code(try token("ada", nobodys))
            #expect(wrong == "user_token_invalid")
            let other = try await code(try token("ada", secret, audience: "another"))
            #expect(other == "user_token_invalid")
            let long = try await code(try token("ada", secret, lifetime: .seconds(90_000)))
            #expect(long == "user_token_invalid")
            let late = try await code(try token("ada", secret, lifetime: .seconds(-60)))
            #expect(late == "user_token_expired")
            let rubbish = try await code("rubbish")
            #expect(rubbish == "user_token_invalid")
            let stranger = try await harness.portal(
                .post, "/event-secrets/user_tokens/rotate", [:], key: harness.keys.stranger)
            let foreign = try await code(
                try token("ada", try #require(stranger.body["secret"]?.string)))
            #expect(foreign == "user_token_invalid")
            let nothing = try await harness.logged()
            #expect(nothing.isEmpty)
        }
    }

    @Test func `a secret is made for keys of one's own only, and shown once`() async throws {
        try await EventHarness.run { harness in
            let scope = "\(harness.keys.secretID)"
            let foreign = try await harness.portal(
                .post, "/event-secrets/\(scope)/rotate", [:], key: harness.keys.stranger)
            #expect(foreign.status == 404)
            let nobodys = try await harness.portal(
                .post, "/event-secrets/\(APIKeyID(UUID()))/rotate", [:])
            #expect(nobodys.status == 404)
            let rubbish = try await harness.portal(.post, "/event-secrets/x/rotate", [:])
            #expect(rubbish.status == 404)
            let first = try await harness.portal(
                .post, "/event-secrets/\(scope)/rotate", [:], once: "once")
            #expect(first.body["secret"]?.string != nil)
            let again = try await harness.portal(
                .post, "/event-secrets/\(scope)/rotate", [:], once: "once")
            #expect(again.body["secret"] == nil)
            #expect(again.headers["Idempotency-Replayed"] == "true")
            let missing = try await harness.portal(.delete, "/event-secrets/user_tokens")
            #expect(missing.status == 404)
        }
    }
}
