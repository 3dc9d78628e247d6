import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import TestKit
import Testing

@testable import NotificationService

@Suite(.timeLimit(.minutes(4))) struct SuppressionTests {
    /// The path of the unsubscribe link in the last mail.
    private func link(_ harness: NotificationHarness) async throws -> String {
        let mail = try #require(try await harness.sink.parsed().last)
        let header = try #require(mail["list-unsubscribe"])
        #expect(header.hasPrefix("<https://mail.shop.example/u/"))
        return String(header.dropFirst("<https://mail.shop.example".count).dropLast())
    }

    private func visit(
        _ harness: NotificationHarness, _ method: HTTPMethod, _ path: String, body: String? = nil
    ) async throws -> ClientResponse {
        var headers = HTTPHeaders()
        if body != nil { headers.add("Content-Type", "application/x-www-form-urlencoded") }
        return try await harness.http.send(
            ClientRequest(
                method: method, url: harness.service.url + path, headers: headers,
                body: method == .post ? Array((body ?? "").utf8) : nil))
    }

    @Test func `only a click ends mail, not the look of a scanner`() async throws {
        try await NotificationHarness.run { harness in
            let participant = harness.peers.participant(["email": "Ada@people.example"])
            let first = try await harness.send(to: participant)
            _ = try await harness.notification(first.notificationID, is: "sent")
            let path = try await link(harness)

            let page = try await visit(harness, .get, path)
            #expect(page.status == 200)
            #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
            #expect(page.headers["Referrer-Policy"] == "no-referrer")
            #expect(String(decoding: page.body, as: UTF8.self).contains("<form method=\"post\">"))
            _ = try await visit(harness, .head, path)
            let second = try await harness.send(to: participant)
            #expect(second.outcome == .queued)

            for _ in 0..<2 {
                let done = try await visit(
                    harness, .post, path, body: "List-Unsubscribe=One-Click")
                #expect(done.status == 200)
            }
            let third = try await harness.send(to: participant)
            #expect(third.outcome == .refused)
            #expect(third.reason == "suppressed")
            let list = try await harness.call(.get, "/suppressions").body
            #expect(list["data"]?.array?.count == 1)
            #expect(list["data"]?.array?.first?["reason"] == "unsubscribe")
            // Another client's mail goes on.
            let other = try await harness.call(.get, "/suppressions", as: harness.peers.other)
            #expect(other.body["data"]?.array?.isEmpty ?? false)
        }
    }

    @Test(arguments: ["x", "%00", "a.b", String(repeating: "A", count: 86)])
    func `a link that was not made here does nothing`(token: String) async throws {
        try await NotificationHarness.run { harness in
            #expect(try await visit(harness, .get, "/u/\(token)").status >= 400)
            #expect(try await visit(harness, .post, "/u/\(token)").status >= 400)
            let list = try await harness.call(.get, "/suppressions").body
            #expect(list["data"]?.array?.isEmpty ?? false)
        }
    }

    @Test func `an address is put on the list, found, and taken off`() async throws {
        try await NotificationHarness.run { harness in
            let body: JSONValue = ["address": "ada@people.example", "reason": "bounce"]
            let added = try await harness.call(.post, "/suppressions", body, key: "one")
            #expect(added.status == 201)
            let again = try await harness.call(.post, "/suppressions", body, key: "one")
            #expect(again.headers["Idempotency-Replayed"] == "true")
            let found = try await harness.call(
                .get, "/suppressions?address=ADA@people.example")
            #expect(found.body["data"]?.array?.first?["reason"] == "bounce")
            let id = try #require(added.body["suppression_id"]?.string)
            let strange = try await harness.call(
                .delete, "/suppressions/\(id)", as: harness.peers.other)
            #expect(strange.status == 404)
            let participant = harness.peers.participant(["email": "ada@people.example"])
            #expect(try await harness.send(to: participant).reason == "suppressed")
            #expect(try await harness.call(.delete, "/suppressions/\(id)").status == 204)
            #expect(try await harness.call(.delete, "/suppressions/\(id)").status == 404)
            #expect(try await harness.send(to: participant).outcome == .queued)
        }
    }

    @Test func `what is suppressed while it waits is not sent`() async throws {
        try await NotificationHarness.run(
            configure: { $0.mailsPerMinute = 1 },
            { harness in
                let first = harness.peers.participant(["email": "first@people.example"])
                _ = try await harness.send(to: first)
                let participant = harness.peers.participant(["email": "ada@people.example"])
                let answer = try await harness.send(to: participant)
                #expect(answer.outcome == .queued)
                try await eventually("it has its place") {
                    let row = try await harness.postgres.queryOne(
                        """
                        select has_slot from notification
                        where notification_id = \(answer.notificationID)
                        """)
                    return try row?.get("has_slot") ?? false
                }
                let added = try await harness.call(
                    .post, "/suppressions", ["address": "ada@people.example"])
                #expect(added.body["reason"] == "manual")
                try await harness.postgres.execute(
                    "update notification set due_at = created_at where status = 'queued'")
                let shown = try await harness.notification(answer.notificationID, is: "failed")
                #expect(shown["reason"] == "suppressed")
                #expect(shown["attempt_count"] == 0)
            })
    }

    @Test func `wrong requests are refused with the place`() async throws {
        try await NotificationHarness.run { harness in
            let cases: [(JSONValue, String)] = [
                (["address": "no"], "/address"), ([:], "/address"), (["address": 5], "/address"),
                (["address": "a@b.co", "reason": "mood"], "/reason"),
                (["address": "a@b.co", "x": 1], "/x"),
            ]
            for (body, pointer) in cases {
                let answer = try await harness.call(.post, "/suppressions", body)
                #expect(answer.status == 400)
                #expect(answer.body["errors"]?.array?.first?["pointer"]?.string == pointer)
            }
            #expect(try await harness.call(.get, "/suppressions?address=x").status == 400)
            #expect(try await harness.call(.get, "/suppressions?cursor=x").status == 400)
        }
    }
}
