package import Contracts
import HTTPKit
package import Kernel
package import PostgresKit

/// Messages that leave with the change they tell of: written in its transaction, relayed after it.
///
/// A message that was committed reaches the log, however often the process dies or the log is away;
/// the log takes it once. Messages of one client keep the order of their commits as far as the
/// transactions did not overlap.
package struct Outbox: Sendable {
    /// How often a quiet outbox looks for messages of other replicas or of a process that died.
    private static let pollInterval = Duration.seconds(1)

    let store: OutboxStore
    private let relay: Relay
    let wake: WakeSignal

    /// An outbox over the tables of `MessagingMigrations` in `postgres`; `run()` does the relaying.
    ///
    /// `wake` is raised with each append; the same signal may be shared to wake the relay by hand.
    package init(
        service: ServiceName, postgres: PostgresClient, log: any LogPort, world: World,
        wake: WakeSignal = WakeSignal()
    ) {
        store = OutboxStore(postgres: postgres)
        relay = Relay(service: service, store: store, log: log, world: world)
        self.wake = wake
    }

    /// Adds messages to the caller's transaction. They are sent after its commit, and never
    /// without.
    ///
    /// Throws `.encoding` for an id that is empty or longer than 100 characters, a type that is
    /// none, or a number in `data` that JSON cannot carry: mistakes in the program, found before
    /// the commit.
    package func append(
        _ messages: [LogMessage], in transaction: Transaction
    ) async throws {
        guard !messages.isEmpty else { return }
        try await transaction.execute(try Self.insertion(of: messages))
        transaction.afterCommit { [wake] in wake.raise() }
    }

    /// Waits until the log has these messages: for changes that others must see before the caller
    /// goes on. Call it after the commit; earlier messages of the same clients go first.
    ///
    /// Throws `OutboxError.notRelayed` when `limit` is over (the messages stay and are sent later)
    /// and `.refused` when the log will never take one; both are problems a caller may be answered
    /// with.
    package func relay(_ ids: [String], within limit: Duration) async throws {
        let deadline = ContinuousClock.now + limit
        var backoff = Backoff(base: .milliseconds(20), limit: .milliseconds(200))
        while true {
            let seen = relay.finished.raises
            var pause = Duration.milliseconds(20)
            do {
                let clients = try await withPostgresDeadline(deadline) {
                    try await store.waiting(ids)
                }
                if clients.isEmpty { break }
                let sent = try await finishing(within: ContinuousClock.now.duration(to: deadline)) {
                    [relay] in
                    try await relay.sendNext(of: clients)
                }
                // Zero: another relay has this client and sends our messages too; await its end.
                pause = sent == 0 ? pause : .zero
                backoff.succeed()
            } catch {
                pause = backoff.fail()
            }
            guard !Task.isCancelled, .now + pause < deadline else { throw OutboxError.notRelayed }
            await relay.finished.wait(past: seen, within: pause)
        }
        if let refusal = try await store.refusal(of: ids) {
            throw OutboxError.refused(id: refusal.id, reason: refusal.reason)
        }
    }

    /// Relays until the task is cancelled; a batch under way is finished first. Never throws: it
    /// backs off and goes on while the log or the database is away.
    package func run() async {
        var pace = IdlePace(longest: Self.pollInterval)
        var backoff = Backoff()
        while !Task.isCancelled {
            let seen = wake.raises
            do {
                // Its own task, so that a shutdown does not leave a batch half done and claimed.
                let sent = try await Task { [relay] in try await relay.sendNext(of: nil) }.value
                backoff.succeed()
                if sent > 0 {
                    pace.quicken()
                    continue
                }
                await wake.wait(past: seen, within: pace.next())
                if wake.raises != seen { pace.quicken() }
            } catch {
                relay.report(error)
                try? await Task.sleep(for: backoff.fail(least: error.retryAfter))
            }
        }
    }
}

extension Error {
    /// What the log asked for, zero when it did not.
    var retryAfter: Duration {
        guard case .unavailable(_, let delay?) = self as? LogError else { return .zero }
        return delay
    }
}
