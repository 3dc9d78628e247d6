import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import TestKit
import Testing

@testable import NotificationService

@Suite(.timeLimit(.minutes(4))) struct MailDeliveryTests {
    @Test func `a server that refuses for now gets the message again`() async throws {
        try await NotificationHarness.run(sink: ["--fail", "451", "--times", "2"]) { harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let answer = try await harness.send(to: participant)
            let shown = try await harness.notification(answer.notificationID, is: "sent")
            #expect(shown["attempt_count"] == 3)
            #expect(shown["unknown_attempts"] == 0)
            let attempts = shown["attempts"]?.array ?? []
            #expect(attempts.map { $0["status"]?.string } == ["rejected", "rejected", "accepted"])
            #expect(attempts.first?["code"] == "451")
            #expect(harness.sink.messages.count == 1)
        }
    }

    @Test func `a server that refuses for good ends it`() async throws {
        try await NotificationHarness.run(sink: ["--fail", "550", "--fail-at", "rcpt"]) {
            harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let answer = try await harness.send(to: participant)
            let shown = try await harness.notification(answer.notificationID, is: "failed")
            #expect(shown["reason"] == "rejected_550")
            #expect(shown["attempt_count"] == 1)
            try await eventually("the log was told") {
                harness.peers.log.messages.map(\.type) == ["notification.failed"]
            }
            #expect(harness.peers.log.messages.first?.data["reason"] == "rejected_550")
        }
    }

    @Test func `a message is given up when its attempts are used up`() async throws {
        try await NotificationHarness.run(
            sink: ["--fail", "452"],
            configure: { $0.mailSchedule = RetrySchedule(pauses: [.milliseconds(10)]) },
            { harness in
                let participant = harness.peers.participant(["email": "ada@people.example"])
                let answer = try await harness.send(to: participant)
                let shown = try await harness.notification(answer.notificationID, is: "failed")
                #expect(shown["reason"] == "gave_up_452")
                #expect(shown["attempt_count"] == 2)
            })
    }

    @Test func `an answer that was lost is counted, and the same message is sent again`()
        async throws
    {
        try await NotificationHarness.run(sink: ["--drop", "after", "--times", "1"]) { harness in
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let answer = try await harness.send(to: participant)
            let shown = try await harness.notification(answer.notificationID, is: "sent")
            #expect(shown["attempt_count"] == 2)
            #expect(shown["unknown_attempts"] == 1)
            let attempts = shown["attempts"]?.array ?? []
            #expect(attempts.map { $0["status"]?.string } == ["unknown", "accepted"])
            #expect(harness.attempts("mail", "unknown") == 1)
            let bodies = harness.sink.bodies
            #expect(bodies.count == 2)
            #expect(Set(bodies).count == 1)
            try await eventually("the log was told once") {
                harness.peers.log.messages.map(\.type) == ["notification.sent"]
            }
        }
    }

    @Test func `a mail server that is away is waited for`() async throws {
        try await NotificationHarness.run { harness in
            await harness.sink.stop()
            let participant = harness.peers.participant(["email": "ada@people.example"])
            let answer = try await harness.send(to: participant)
            try await eventually("it was tried") {
                let shown = try await harness.notification(answer.notificationID)
                return (shown["attempt_count"]?.integer ?? 0) > 0
            }
            let second = try await TestMailSink.start(
                port: harness.sink.port, directory: harness.sink.directory)
            let shown = try await harness.notification(answer.notificationID, is: "sent")
            #expect(shown["unknown_attempts"] == 0)
            #expect(shown["attempts"]?.array?.first?["status"] == "not_sent")
            #expect(harness.sink.messages.count == 1)
            await second.stop()
        }
    }

    @Test func `a hundred messages are sent once each, in parallel`() async throws {
        try await NotificationHarness.run { harness in
            let ids = try await withThrowingTaskGroup(of: NotificationID.self) { group in
                for number in 0..<100 {
                    let participant = harness.peers.participant([
                        "email": .string("p\(number)@people.example")
                    ])
                    group.addTask { try await harness.send(to: participant).notificationID }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 100)
            try await eventually("all are sent", within: .seconds(60)) {
                harness.peers.log.messages.filter { $0.type == "notification.sent" }.count == 100
            }
            #expect(Set(try await harness.sink.parsed().map { $0["message-id"] }).count == 100)
            #expect(harness.sink.messages.count == 100)
            #expect(harness.attempts("mail", "unknown") == 0)
        }
    }

    @Test func `messages at the same time share calls to the database`() async throws {
        try await NotificationHarness.run { harness in
            let before = harness.databaseCalls
            try await withThrowingDiscardingTaskGroup { group in
                for number in 0..<200 {
                    let participant = harness.peers.participant([
                        "email": .string("p\(number)@people.example")
                    ])
                    group.addTask { _ = try await harness.send(to: participant) }
                }
            }
            try await eventually("all are told of", within: .seconds(60)) {
                harness.peers.log.messages.filter { $0.type == "notification.sent" }.count == 200
            }
            // Storing, beginning and recording one after the other would be three for each, before
            // anything is relayed.
            #expect(harness.databaseCalls - before < 3 * 200)
        }
    }

    @Test func `one client's mail is spread, and takes nothing from another's`() async throws {
        try await NotificationHarness.run(
            configure: { $0.mailsPerMinute = 3 },
            { harness in
                var ids: [NotificationID] = []
                for number in 0..<6 {
                    let participant = harness.peers.participant([
                        "email": .string("p\(number)@people.example")
                    ])
                    ids.append(try await harness.send(to: participant).notificationID)
                }
                try await eventually("three went, the others have their place") {
                    let row = try await harness.postgres.queryOne(
                        """
                        select count(*) filter (where status = 'sent') as sent,
                            count(*) filter (where status = 'queued' and has_slot) as placed
                        from notification
                        """)
                    let (sent, placed): (Int, Int) = (
                        try row?.get("sent") ?? 0, try row?.get("placed") ?? 0
                    )
                    return sent == 3 && placed == 3
                }
                #expect(harness.sink.messages.count == 3)
                let rows = try await harness.postgres.query(
                    """
                    select extract(epoch from due_at - created_at)::integer as wait
                    from notification where status = 'queued' order by due_at
                    """)
                let waits: [Int] = try rows.map { try $0.get("wait") }
                #expect(waits.count == 3)
                // Twenty seconds apart, give or take what the test itself took.
                for (index, wait) in waits.enumerated() {
                    #expect((wait - 20 * (index + 1)).magnitude < 15)
                }
            })
    }
}
