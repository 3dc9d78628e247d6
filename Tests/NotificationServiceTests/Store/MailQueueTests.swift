import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import SecurityKit
import TestKit
import Testing

@testable import NotificationService

@Suite(.timeLimit(.minutes(2))) struct MailQueueTests {
    /// The queue over a real database, without a service around it.
    private struct Bench {
        let postgres: PostgresClient
        let store: NotificationStore
        let queue: MailQueue
        let client = ClientID(UUID())
        let now = SystemClock().now()

        func new(
            _ address: String, key: String = UUID().uuidString, of client: ClientID? = nil
        ) throws -> NewNotification {
            let email = try #require(EmailAddress(address))
            let client = client ?? self.client
            return NewNotification(
                id: NotificationID(UUID()), clientID: client, requestKey: key, fingerprint: [1],
                request: SendNotificationRequest(
                    clientID: client, campaignID: CampaignID(UUID()), runID: nil,
                    participantID: ParticipantID(UUID()), channel: .email, template: "welcome",
                    variables: .object([:])),
                templateVersion: 0,
                mail: (
                    email, Self.hash(address),
                    RenderedMessage(subject: "s", text: "t", html: nil)
                ), reason: nil, traceparent: nil, at: now)
        }

        static func hash(_ address: String) -> [UInt8] { Digest.sha256(Array(address.utf8)) }

        func suppress(_ address: String) async throws {
            _ = try await SuppressionStore(postgres: postgres).add(
                SuppressionRecord(
                    addressHash: Self.hash(address), reason: .manual, createdBy: "test",
                    createdAt: now), of: client, with: postgres)
        }

        func claim(_ limit: Int, at time: Timestamp? = nil) async throws -> MailQueue.Claim {
            try await queue.claim(limit, lease: .seconds(60), at: time ?? now)
        }

        func finish(
            _ job: MailJob, _ result: MailResult, status: String = "accepted"
        ) -> MailFinish {
            MailFinish(job: job, result: result, status: status, code: nil, at: now)
        }

        func statuses() async throws -> [NotificationID: String] {
            try await postgres.query("select notification_id, status from notification").reduce(
                into: [:]
            ) { $0[try $1.get("notification_id")] = try $1.get("status") }
        }

        func told() async throws -> [String] {
            try await postgres.query("select message_id from messaging_outbox order by sequence")
                .map { try $0.get("message_id") }
        }
    }

    private func withBench(
        perMinute: Int = 10_000, _ body: (Bench) async throws -> Void
    ) async throws {
        let migrations = MessagingMigrations.all + NotificationMigrations.all
        try await TestPostgres.shared().withDatabase(migrations) { database in
            let postgres = database.client()
            let outbox = Outbox(
                service: .notification, postgres: postgres, log: NoLog(), world: World())
            let bench = Bench(
                postgres: postgres, store: NotificationStore(postgres: postgres),
                queue: MailQueue(
                    postgres: postgres, outbox: outbox, messages: NotificationMessages(),
                    rate: SendingRate(perMinute: perMinute), attemptLimit: 3))
            try await body(bench)
            await postgres.shutdown()
        }
    }

    @Test func `what is queued together is told apart`() async throws {
        try await withBench { bench in
            try await bench.suppress("no@people.example")
            let first = try bench.new("ada@people.example", key: "one")
            #expect(try await bench.store.queue([first]) == [.stored])
            let batch = [
                try bench.new("bob@people.example", key: "two"),
                try bench.new("no@people.example", key: "three"),
                try bench.new("eve@people.example", key: "two"),
                try bench.new("ada@people.example", key: "one"),
                // Another client's list and keys are its own.
                try bench.new("no@people.example", key: "one", of: ClientID(UUID())),
            ]
            #expect(
                try await bench.store.queue(batch)
                    == [.stored, .suppressed, .taken, .taken, .stored])
            #expect(
                Set(try await bench.statuses().keys) == [first.id, batch[0].id, batch[4].id])
        }
    }

    @Test func `attempts that end together are each recorded as they ended`() async throws {
        try await withBench { bench in
            let new = try (0..<4).map { try bench.new("p\($0)@people.example") }
            _ = try await bench.store.queue(new)
            let claim = try await bench.claim(10)
            #expect(claim.jobs.count == 4)
            let jobs = new.compactMap { message in claim.jobs.first { $0.id == message.id } }
            let later = bench.now + .seconds(60)
            let finishes = [
                bench.finish(jobs[0], .sent),
                bench.finish(jobs[1], .again(at: later, reason: "451"), status: "rejected"),
                bench.finish(jobs[2], .failed(reason: "rejected_550"), status: "rejected"),
                bench.finish(jobs[3], .again(at: later, reason: "timeout"), status: "unknown"),
            ]
            #expect(try await bench.queue.finish(finishes) == [true, true, true, true])
            let statuses = try await bench.statuses()
            #expect(
                new.map { statuses[$0.id] } == ["sent", "queued", "failed", "queued"])
            #expect(
                try await bench.told() == ["\(new[0].id)/sent", "\(new[2].id)/failed"])
            let unknown: [NotificationID] = try await bench.postgres.query(
                "select notification_id from notification where unknown_attempts = 1"
            ).map { try $0.get("notification_id") }
            #expect(unknown == [new[3].id])
            // Told again, as after a lost answer, all are void and nothing is said twice.
            #expect(
                try await bench.queue.finish([finishes[0], finishes[2]]) == [false, false])
            #expect(try await bench.told().count == 2)
        }
    }

    @Test func `an attempt that another followed is void and tells nothing`() async throws {
        try await withBench { bench in
            _ = try await bench.store.queue([try bench.new("ada@people.example")])
            let first = try #require(try await bench.claim(1).jobs.first)
            let later = bench.now + .seconds(61)
            #expect(try await bench.queue.recover(at: later) == 1)
            let second = try #require(try await bench.claim(1, at: later).jobs.first)
            #expect(second.attempt == 2)
            #expect(
                try await bench.queue.finish([bench.finish(first, .sent)]) == [false])
            #expect(try await bench.told() == [])
            #expect(
                try await bench.queue.finish([bench.finish(second, .sent)]) == [true])
            #expect(try await bench.told().count == 1)
        }
    }

    @Test func `an address suppressed after the asking gets nothing`() async throws {
        try await withBench { bench in
            let new = try bench.new("ada@people.example")
            _ = try await bench.store.queue([new])
            try await bench.suppress("ada@people.example")
            let claim = try await bench.claim(5)
            #expect(claim.jobs.isEmpty)
            #expect(claim.suppressed.map(\.id) == [new.id])
            try await bench.queue.refuse(claim.suppressed, at: bench.now)
            try await bench.queue.refuse(claim.suppressed, at: bench.now)
            #expect(try await bench.statuses() == [new.id: "failed"])
            #expect(try await bench.told() == ["\(new.id)/failed"])
        }
    }

    @Test func `a client that sends too fast hides nobody else's mail`() async throws {
        try await withBench(perMinute: 6) { bench in
            let fast = try (0..<60).map { try bench.new("p\($0)@people.example") }
            _ = try await bench.store.queue(fast)
            let other = try bench.new("ada@people.example", of: ClientID(UUID()))
            _ = try await bench.store.queue([other])
            try await bench.postgres.execute(
                """
                update notification set due_at = due_at - interval '1 second'
                where client_id = \(bench.client)
                """)
            let first = try await bench.claim(4)
            #expect(first.jobs.count == 4)
            let second = try await bench.claim(4)
            #expect(second.jobs.count == 3)
            #expect(second.jobs.contains { $0.id == other.id })
            #expect(try await bench.claim(4).jobs.isEmpty)
            let row = try await bench.postgres.queryOne(
                """
                select count(*) as placed, max(due_at) as last from notification
                where status = 'queued' and has_slot
                """)
            #expect(try row?.get("placed", as: Int.self) == 54)
            // Six at once, then one each ten seconds: the sixtieth after nine minutes.
            #expect(try row?.get("last", as: Timestamp.self) == bench.now + .seconds(540))
            let later = try await bench.claim(60, at: bench.now + .seconds(30))
            #expect(later.jobs.count == 3)
        }
    }

    @Test func `a key is looked up by its own index while the table is young`() async throws {
        try await withBench { bench in
            let plan: [String] = try await bench.postgres.query(
                """
                explain select 1 from notification
                where client_id = \(bench.client) and request_key = \("one")
                """
            ).map { try $0.get("QUERY PLAN") }
            #expect(plan.joined().contains("notification_request_key"), "\(plan)")
        }
    }
}

/// A log that is never asked.
private struct NoLog: LogPort {
    func append(_ messages: [LogMessage]) async throws(LogError) -> [LogAppendResult] {
        throw .unavailable(reason: "not asked")
    }

    func feed(_ request: FeedRequest) async throws(LogError) -> FeedPage {
        throw .unavailable(reason: "not asked")
    }

    func shardCount() async throws(LogError) -> Int { 1 }
}
