import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import TestKit
import Testing

@testable import NotificationService

@Suite(.timeLimit(.minutes(4))) struct SendTests {
    @Test func `a message is rendered, sent, recorded and told of`() async throws {
        try await NotificationHarness.run { harness in
            let participant = harness.peers.participant([
                "email": "ada@people.example", "first_name": "Ada <b>",
            ])
            let answer = try await harness.send(
                to: participant,
                [
                    "campaign": ["name": "Grüße & Küsse"],
                    "referral": ["url": "https://x.example/r/A"],
                ])
            #expect(answer.outcome == .queued)
            let shown = try await harness.notification(answer.notificationID, is: "sent")
            #expect(shown["attempt_count"] == 1)
            #expect(shown["unknown_attempts"] == 0)
            #expect(shown["template_version"] == 0)
            #expect(shown["address"] == "ada@people.example")
            #expect(shown["attempts"]?.array?.first?["status"] == "accepted")

            let mail = try #require(try await harness.sink.parsed().first)
            #expect(mail.defects == [])
            #expect(mail["subject"] == "Welcome to Grüße & Küsse")
            #expect(mail["from"] == "Käse & Brot <hello@shop.example>")
            #expect(mail["to"]?.contains("ada@people.example") ?? false)
            #expect(mail["message-id"] == "<\(answer.notificationID)@shop.example>")
            #expect(mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click")
            #expect(
                mail["list-unsubscribe"]?.hasPrefix("<https://mail.shop.example/u/") ?? false)
            #expect(mail.parts["text/plain"]?.contains("Hi Ada <b>,") ?? false)
            #expect(mail.parts["text/html"]?.contains("Hi Ada &lt;b&gt;,") ?? false)
            #expect(mail.parts["text/html"]?.contains("href=\"https://x.example/r/A\"") ?? false)

            try await eventually("the log was told") {
                harness.peers.log.messages.map(\.type) == ["notification.sent"]
            }
            let told = try #require(harness.peers.log.messages.first)
            #expect(told.data["notification_id"]?.string == answer.notificationID.description)
            #expect(told.data["participant_id"]?.string == participant.description)
        }
    }

    @Test func `twenty calls with one key make one message`() async throws {
        try await NotificationHarness.run { harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let answers = try await withThrowingTaskGroup(
                of: SendNotificationResponse.self
            ) { group in
                for _ in 0..<20 {
                    group.addTask { try await harness.send(to: participant, key: "one") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers).count == 1)
            let id = try #require(answers.first?.notificationID)
            _ = try await harness.notification(id, is: "sent")
            #expect(try await harness.send(to: participant, key: "one").notificationID == id)
            #expect(harness.sink.messages.count == 1)
            let list = try await harness.call(.get, "/notifications").body
            #expect(list["data"]?.array?.count == 1)
        }
    }

    @Test func `a key that is used for something else is refused`() async throws {
        try await NotificationHarness.run { harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            _ = try await harness.send(to: participant, key: "one")
            await #expect(throws: PeerError.self) {
                _ = try await harness.send("reward_referrer", to: participant, key: "one")
            }
        }
    }

    @Test func `what cannot be sent is stored with its reason and told of`() async throws {
        try await NotificationHarness.run { harness in
            let known = harness.peers.participant(["email": "ada@people.example"])
            let cases: [(String, ParticipantID, String, JSONValue)] = [
                ("no_address", harness.peers.participant([:]), "welcome", [:]),
                ("no_address", ParticipantID(UUID()), "welcome", [:]),
                (
                    "no_address",
                    harness.peers.participant(["email": "a@b.co\r\nBcc: e@x.co"]), "welcome", [:]
                ),
                (
                    "no_address", harness.peers.participant(["email": "a@b.co,c@d.co"]),
                    "welcome", [:]
                ),
                ("no_address", harness.peers.participant(["email": 5]), "welcome", [:]),
                ("unknown_template", known, "none", [:]),
                ("unknown_template", known, "Not/A/Key", [:]),
                ("missing_variable", known, "reward_referrer", [:]),
                ("variable_not_text", known, "reward_referrer", ["reward": ["formatted": [1]]]),
                (
                    "unsafe_url", known, "welcome", ["referral": ["url": "javascript:alert(1)"]]
                ),
            ]
            for (reason, participant, template, variables) in cases {
                let answer = try await harness.send(template, to: participant, variables)
                #expect(answer.outcome == .refused)
                #expect(answer.reason == reason)
                let shown = try await harness.notification(answer.notificationID)
                #expect(shown["status"] == "refused")
                #expect(shown["reason"]?.string == reason)
            }
            try await eventually("the log was told of each") {
                harness.peers.log.messages.map { $0.data["reason"]?.string } == cases.map(\.0)
            }
            #expect(harness.sink.messages.isEmpty)
        }
    }

    @Test func `the participant is asked for at the event's position`() async throws {
        try await NotificationHarness.run { harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let position = harness.peers.log.publish(
                "reward.fulfilled", [:], client: harness.client)
            _ = try await harness.send(to: participant, position: position)
            #expect(harness.peers.lookUpPositions == [position.description])
        }
    }

    @Test func `while the participant cannot be asked for nothing is stored`() async throws {
        try await NotificationHarness.run { harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            harness.peers.setClientServiceAway(true)
            do {
                _ = try await harness.send(to: participant, key: "one")
                Issue.record("The call was answered.")
            } catch let error as PeerError {
                #expect(error.isRetryable)
            }
            harness.peers.setClientServiceAway(false)
            let answer = try await eventually("the service asks again") {
                try await harness.send(to: participant, key: "one")
            }
            _ = try await harness.notification(answer.notificationID, is: "sent")
            #expect(harness.sink.messages.count == 1)
        }
    }

    @Test func `a client's own published template counts`() async throws {
        try await NotificationHarness.run { harness in
            let created = try await harness.call(
                .post, "/templates",
                ["key": "welcome", "subject": "Own {{ participant.external_id }}", "text": "Own"])
            #expect(created.status == 201)
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let before = try await harness.send(to: participant)
            #expect(
                try await harness.notification(before.notificationID, is: "sent")[
                    "template_version"] == 0)
            let published = try await harness.call(
                .post, "/templates/welcome/publish", ["version": 1])
            #expect(published.status == 200)
            let after = try await harness.send(to: participant)
            let shown = try await harness.notification(after.notificationID, is: "sent")
            #expect(shown["template_version"] == 1)
            #expect(shown["subject"] == "Own user-1")
            #expect(shown["html"] == nil)
        }
    }
    @Test func `a repeat is answered as before, whoever is away`() async throws {
        try await NotificationHarness.run { harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let first = try await harness.send(to: participant, key: "one")
            harness.peers.setClientServiceAway(true)
            #expect(try await harness.send(to: participant, key: "one") == first)
            harness.peers.setClientServiceAway(false)
            #expect(try await harness.send(to: participant, key: "one") == first)
            _ = try await harness.notification(first.notificationID, is: "sent")
            #expect(harness.sink.messages.count == 1)
        }
    }
}
