import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import ServiceKit

/// What a change leaves behind.
struct Change<Noun: Codable & Sendable>: Sendable {
    /// What the caller is answered, as it is stored for repeats.
    let noun: Noun
    /// What the others are told; nil when nothing changed, or nothing that concerns them.
    let message: LogMessage?
    /// What stays known of it; nil when nothing changed.
    let entry: AuditEntry?

    init(noun: Noun, news: (message: LogMessage, entry: AuditEntry)?) {
        self.noun = noun
        message = news?.message
        entry = news?.entry
    }

    /// A change that only client-service cares for.
    init(noun: Noun, entry: AuditEntry) {
        self.noun = noun
        message = nil
        self.entry = entry
    }
}

/// Makes a change, the message that tells of it and its audit entry one.
struct ClientChanges: Sendable {
    /// How long an answer waits for the log.
    private static let relayLimit: Duration = .seconds(5)

    let audit: AuditStore
    let outbox: Outbox
    let context: ServiceContext

    /// Runs a change once per idempotency key.
    ///
    /// - Parameter awaited: names the message that the log must have before the caller is answered;
    ///   nil answers at once. Also for a repeat: the first answer may have been lost before.
    ///
    /// Throws 503 `change_not_announced` when the change is made and the log does not answer.
    func perform<Noun: Codable & Sendable>(
        _ key: IdempotencyRequest?, status: Int = 200, awaited: ((Noun) -> String)? = nil,
        change: (Transaction) async throws -> Change<Noun>
    ) async throws -> (noun: Noun, answer: IdempotentAnswer) {
        var told: LogMessage?
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            transaction in
            let change = try await change(transaction)
            told = change.message
            if let entry = change.entry { try await audit.append(entry, in: transaction) }
            if let told { try await outbox.append([told], in: transaction) }
            context.world.faults.reach(ClientCrashPoint.changeBeforeCommit)
            return try StoredResponse.json(change.noun, status: status)
        }
        context.world.faults.reach(ClientCrashPoint.changeAfterCommit)
        if let told { forget(told) }
        let noun = try answer.stored.decode(Noun.self)
        if let awaited {
            try await outbox.relay([awaited(noun)], within: Self.relayLimit)
        }
        return (noun, answer)
    }

    /// Writes a message and its audit entry into the caller's transaction. Tell the others with
    /// `announce` after the commit.
    func record(
        _ message: LogMessage, _ entry: AuditEntry, in transaction: Transaction
    ) async throws {
        try await audit.append(entry, in: transaction)
        try await outbox.append([message], in: transaction)
    }

    /// Waits until the log has a recorded message, or until `limit` is over: it is sent later then.
    func announce(_ message: LogMessage, within limit: Duration) async {
        forget(message)
        do {
            try await outbox.relay([message.id], within: limit)
        } catch {
            context.telemetry.logger.warning(
                "a change could not be announced yet",
                [("message_id", .text(message.id)), ("error", .text("\(error)"))])
        }
    }

    /// This replica need not wait until the log tells it what it did itself.
    private func forget(_ message: LogMessage) {
        let nowhere = LogPosition(shard: 0, position: 0)
        let event = LogEvent(message, position: nowhere, receivedAt: context.world.clock.now())
        (context.keys as? CachedKeyResolver)?.invalidate([event])
        (context.sessions as? CachedSessionResolver)?.invalidate([event])
    }
}
