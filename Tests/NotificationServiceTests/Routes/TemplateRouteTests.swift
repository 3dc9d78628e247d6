import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import TestKit
import Testing

@testable import NotificationService

@Suite(.timeLimit(.minutes(4))) struct TemplateRouteTests {
    private static let content: JSONValue = [
        "subject": "Hi {{ name }}", "text": "Hello {{ name }}", "html": "<p>{{ name }}</p>",
    ]

    private func with(_ more: [String: JSONValue]) -> JSONValue {
        .object((Self.content.object ?? [:]).merging(more) { $1 })
    }

    @Test func `a version is written once, published, and can be gone back to`() async throws {
        try await NotificationHarness.run { harness in
            let created = try await harness.call(
                .post, "/templates", with(["key": "spring"]), key: "a")
            #expect(created.status == 201)
            #expect(created.body["version"] == 1)
            let replayed = try await harness.call(
                .post, "/templates", with(["key": "spring"]), key: "a")
            #expect(replayed.body == created.body)
            let twice = try await harness.call(.post, "/templates", with(["key": "spring"]))
            #expect(twice.body["code"] == "template_exists")

            let second = try await harness.call(
                .post, "/templates/spring/versions", with(["text": "Two"]))
            #expect(second.body["version"] == 2)
            #expect(
                try await harness.call(.get, "/templates/spring").body["published_version"] == nil)
            for version in [2, 1] {
                let published = try await harness.call(
                    .post, "/templates/spring/publish", ["version": .number(JSONNumber(version))])
                #expect(published.body["published_version"]?.integer == version)
                #expect(published.body["latest_version"] == 2)
            }
            let versions = try await harness.call(.get, "/templates/spring/versions?limit=1").body
            #expect(versions["data"]?.array?.first?["version"] == 2)
            let next = try #require(versions["next_cursor"]?.string)
            let older = try await harness.call(
                .get, "/templates/spring/versions?limit=1&cursor=\(next)"
            ).body
            #expect(older["data"]?.array?.first?["version"] == 1)
            #expect(older["next_cursor"] == .null)
            let one = try await harness.call(.get, "/templates/spring/versions/1").body
            #expect(one["content"] == Self.content)
            await #expect(throws: (any Error).self) {
                try await harness.postgres.execute("update template_version set subject = 'x'")
            }
        }
    }

    @Test func `the list has own and built-in templates by key`() async throws {
        try await NotificationHarness.run { harness in
            for key in ["aa", "welcome", "zz"] {
                _ = try await harness.call(.post, "/templates", with(["key": .string(key)]))
            }
            var keys: [String] = []
            var cursor: String?
            repeat {
                let query = cursor.map { "&cursor=\($0)" } ?? ""
                let page = try await harness.call(.get, "/templates?limit=2\(query)").body
                keys += (page["data"]?.array ?? []).compactMap { $0["key"]?.string }
                cursor = page["next_cursor"]?.string
            } while cursor != nil
            #expect(keys == ["aa", "reward_participant", "reward_referrer", "welcome", "zz"])
            let builtIn = try await harness.call(.get, "/templates/reward_referrer").body
            #expect(builtIn["built_in"] == true)
            let text = try await harness.call(.get, "/templates/welcome/versions/0").body
            #expect(text["content"]?["subject"]?.string?.hasPrefix("Welcome") ?? false)
        }
    }

    @Test func `a preview shows what would be sent, or why it would not`() async throws {
        try await NotificationHarness.run { harness in
            _ = try await harness.call(.post, "/templates", with(["key": "spring"]))
            func preview(_ key: String, _ body: JSONValue) async throws
                -> NotificationHarness.Answer
            {
                try await harness.call(.post, "/templates/\(key)/preview", body)
            }
            let shown = try await preview("spring", ["version": 1, "variables": ["name": "<Ada>"]])
            #expect(
                shown.body == [
                    "subject": "Hi <Ada>", "text": "Hello <Ada>", "html": "<p>&lt;Ada&gt;</p>",
                ])
            let missing = try await preview("spring", ["version": 1, "variables": [:]])
            #expect(missing.status == 422)
            #expect(missing.body["code"] == "missing_variable")
            #expect(missing.body["detail"]?.string?.contains("'name'") ?? false)
            // Not published, and no built-in one of the key.
            #expect(try await preview("spring", ["variables": [:]]).status == 404)
            #expect(
                try await preview(
                    "reward_referrer", ["variables": ["reward": ["formatted": "$5"]]]
                ).status == 200)
            let draft = try await preview(
                "new_one", ["content": ["subject": "a", "text": "{{ b }}"], "variables": ["b": 1]])
            #expect(draft.body["text"] == "1")
            let broken = try await preview(
                "new_one", ["content": ["subject": "a", "text": "{{ b"], "variables": [:]])
            #expect(broken.status == 400)
        }
    }

    @Test func `a broken template is refused with every place`() async throws {
        try await NotificationHarness.run { harness in
            let answer = try await harness.call(
                .post, "/templates",
                [
                    "key": "spring", "subject": "{{ a | shout }}", "text": "one\ntwo {{#if a}}",
                    "html": "<p onclick=\"{{ a }}\">",
                ])
            #expect(answer.status == 400)
            let errors = answer.body["errors"]?.array ?? []
            #expect(errors.map { $0["pointer"]?.string } == ["/subject", "/text", "/html"])
            #expect(
                errors.map { $0["code"]?.string } == [
                    "unknown_filter", "unclosed_block", "variable_not_allowed_here",
                ])
            #expect(errors[1]["detail"]?.string?.hasPrefix("Line 2, column 5: ") ?? false)
            #expect(try await harness.call(.get, "/templates/spring").status == 404)
        }
    }

    @Test func `wrong requests are refused with the place`() async throws {
        try await NotificationHarness.run { harness in
            let cases: [(String, JSONValue, String)] = [
                ("/templates", with(["key": "Über"]), "/key"),
                ("/templates", with(["key": ""]), "/key"),
                ("/templates", with(["key": .string(String(repeating: "a", count: 51))]), "/key"),
                ("/templates", Self.content, "/key"),
                ("/templates", ["key": "a", "text": "b"], "/subject"),
                ("/templates", with(["key": "a", "x": 1]), "/x"),
                ("/templates/welcome/publish", [:], "/version"),
                ("/templates/welcome/publish", ["version": "1"], "/version"),
                ("/templates/welcome/preview", ["variables": 5], "/variables"),
                ("/templates/welcome/preview", [:], "/variables"),
            ]
            for (path, body, pointer) in cases {
                let answer = try await harness.call(.post, path, body)
                #expect(answer.status == 400, "\(path) \(pointer)")
                #expect(answer.body["errors"]?.array?.first?["pointer"]?.string == pointer)
            }
            _ = try await harness.call(.post, "/templates", with(["key": "spring"]))
            for version in [0, 2, -1, 2_147_483_648] {
                let answer = try await harness.call(
                    .post, "/templates/spring/publish",
                    ["version": .number(JSONNumber(version))])
                #expect(answer.status == 404)
            }
            for path in [
                "/templates/none", "/templates/UPPER", "/templates/spring/versions/9",
                "/templates/spring/versions/x", "/templates/spring/versions/99999999999",
                "/templates/none/versions",
            ] {
                #expect(try await harness.call(.get, path).status == 404, "\(path)")
            }
        }
    }

    @Test func `another client sees and changes nothing`() async throws {
        try await NotificationHarness.run { harness in
            _ = try await harness.call(.post, "/templates", with(["key": "spring"]))
            let other = harness.peers.other
            for path in [
                "/templates/spring", "/templates/spring/versions",
                "/templates/spring/versions/1",
            ] {
                #expect(try await harness.call(.get, path, as: other).status == 404)
            }
            let publish = try await harness.call(
                .post, "/templates/spring/publish", ["version": 1], as: other)
            #expect(publish.status == 404)
            let add = try await harness.call(
                .post, "/templates/spring/versions", Self.content, as: other)
            #expect(add.status == 404)
            let preview = try await harness.call(
                .post, "/templates/spring/preview", ["version": 1, "variables": [:]], as: other)
            #expect(preview.status == 404)
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let sent = try await harness.send(to: participant)
            let path = "/notifications/\(sent.notificationID)"
            #expect(try await harness.call(.get, path, as: other).status == 404)
            let list = try await harness.call(
                .get, "/notifications?participant_id=\(participant)", as: other)
            #expect(list.body["data"]?.array?.isEmpty ?? false)
        }
    }

    @Test func `the list of messages is narrowed and paged`() async throws {
        try await NotificationHarness.run { harness in
            let (ada, bea) = (
                harness.peers.participant(["email": "ada@people.example"]),
                harness.peers.participant([:])
            )
            var ids: [String] = []
            for participant in [ada, bea, ada] {
                ids.append(try await harness.send(to: participant).notificationID.description)
            }
            func list(_ query: String) async throws -> [String] {
                let body = try await harness.call(.get, "/notifications?\(query)").body
                return (body["data"]?.array ?? []).compactMap { $0["notification_id"]?.string }
            }
            #expect(try await list("participant_id=\(ada)") == [ids[2], ids[0]])
            #expect(try await list("status=refused") == [ids[1]])
            let campaign = TypeID<CampaignTag>(NotificationHarness.campaign)
            #expect(try await list("campaign_id=\(campaign)&limit=1") == [ids[2]])
            #expect(try await list("limit=2&cursor=\(ids[2])") == [ids[1], ids[0]])
            for query in [
                "status=x", "participant_id=x", "campaign_id=ptc_1", "cursor=1", "limit=0",
            ] {
                #expect(try await harness.call(.get, "/notifications?\(query)").status == 400)
            }
        }
    }
}
