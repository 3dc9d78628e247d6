import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
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
            #expect(shown["attempts"]?.array?.first?["status"] == "accepted")

            let mail = try #require(try await harness.sink.parsed().first)
            #expect(mail.defects == [])
            #expect(mail.isASCII)
            #expect(mail.longestLine <= 998)
            #expect(mail["subject"] == "Welcome to Grüße & Küsse")
            #expect(mail["from"] == "Käse & Brot <hello@shop.example>")
            #expect(mail["to"] == "ada@people.example" || mail["to"] == "<ada@people.example>")
            #expect(mail["message-id"] == "<\(answer.notificationID)@shop.example>")
            #expect(mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click")
            #expect(
                mail["list-unsubscribe"]?.hasPrefix("<https://mail.shop.example/u/") ?? false)
            #expect(mail.parts["text/plain"]?.contains("Hi Ada <b>,") ?? false)
            #expect(mail.parts["text/html"]?.contains("Hi Ada &lt;b&gt;,") ?? false)
            #expect(mail.parts["text/html"]?.contains("href=\"https://x.example/r/A\"") ?? false)

            try await eventually("the log was told") {
                harness.peers.messages.map(\.type) == ["notification.sent"]
            }
        }
    }
}
