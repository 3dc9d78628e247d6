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
    /// What the others are told, and what stays known of it; nil when nothing changed.
    let news: (message: LogMessage, entry: AuditEntry)?
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
            told = change.news?.message
            if let news = change.news {
                try await audit.append(news.entry, in: transaction)
                try await outbox.append([news.message], in: transaction)
            }
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

    /// This replica need not wait until the log tells it what it did itself.
    private func forget(_ message: LogMessage) {
        let nowhere = LogPosition(shard: 0, position: 0)
        (context.keys as? CachedKeyResolver)?.invalidate([
            LogEvent(message, position: nowhere, receivedAt: context.world.clock.now())
        ])
    }
}
