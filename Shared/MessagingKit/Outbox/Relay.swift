import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit

/// Sends what waits, batch by batch.
struct Relay: Sendable {
    /// How long the clients of a relay that died wait for another. A relay that lives renews its
    /// claim; when it cannot, another may send the same messages, which the log takes once.
    static let claimLease = Duration.seconds(2)
    static let renewInterval = Duration.milliseconds(500)
    /// The most bytes of messages in one call; a single message may be larger.
    static let batchLimitBytes = 512 * 1024

    private let service: ServiceName
    private let store: OutboxStore
    private let log: any LogPort
    private let world: World
    private let relayed: Counter
    private let failures: Counter
    private let deadLetters: Counter
    private let lag: Gauge
    /// Raised when something may wait.
    let wake: WakeSignal
    /// Raised after each batch.
    let finished = WakeSignal()

    init(
        service: ServiceName, store: OutboxStore, log: any LogPort, world: World, wake: WakeSignal
    ) {
        self.wake = wake
        self.service = service
        self.store = store
        self.log = log
        self.world = world
        let metrics = world.telemetry.metrics
        relayed = metrics.counter(
            "grapevine_outbox_relayed_total", help: "Messages that the log has taken.")
        failures = metrics.counter(
            "grapevine_outbox_failures_total", help: "Batches that could not be sent or recorded.")
        deadLetters = metrics.counter(
            "grapevine_dead_letters_total",
            help: "Messages and events that could not take effect and were passed over.",
            [("direction", "out"), ("subscriber", "")])
        lag = metrics.gauge(
            "grapevine_outbox_lag_milliseconds", help: "Age of the oldest message that waits.")
    }

    /// What came of one batch.
    struct Pass: Sendable {
        /// How many rows are done with; 0 when nothing waits that is not relayed by another.
        var sent = 0
        /// Whether more waited when it ended, whoever relays it.
        var isMoreWaiting = false
        /// Whether the batch itself had no room for more.
        var isFull = false
        /// How often `wake` was raised before it ended: what was committed until then was seen.
        var seen: UInt64 = 0
    }

    /// Sends one batch of whoever is next, or of the given clients.
    ///
    /// Not to be cancelled half-way: a claim would be left behind. See `finishing`.
    func sendNext(of clients: [ClientID]?) async throws -> Pass {
        let token = world.ids.next()
        let limit = LogAppendRequest.maximumMessages
        let seen = wake.raises
        let messages: [PendingMessage]
        do {
            messages =
                if let clients {
                    try await store.claim(
                        of: clients, token: token, limit: limit, lease: Self.claimLease)
                } else {
                    try await store.claim(token: token, limit: limit, lease: Self.claimLease)
                }
        } catch {
            // It may have been made although its answer was lost.
            if error.outcomeIsUnknown { _ = try? await finish(Outcome(), token: token) }
            throw error
        }
        if clients == nil { lag.set(messages.first?.ageMilliseconds ?? 0) }
        guard !messages.isEmpty else { return Pass(seen: seen) }
        let batch = Self.bounded(messages)
        var pass = try await send(batch, token: token)
        pass.isFull = batch.count < messages.count || messages.count == limit
        // The loop may have passed over what this one was sending.
        if clients != nil, pass.isMoreWaiting { wake.raise() }
        return pass
    }

    private func send(_ batch: [PendingMessage], token: UUID) async throws -> Pass {
        let renewal = Task { await renew(token) }
        defer {
            renewal.cancel()
            finished.raise()
        }
        var outcome = Outcome()
        var failure: (any Error)?
        do {
            try await deliver(batch, into: &outcome)
        } catch {
            failure = error
        }
        if !outcome.delivered.isEmpty {
            world.faults.reach(MessagingCrashPoints.relay(service))
        }
        let seen = wake.raises
        let isMoreWaiting = try await finish(outcome, token: token)
        relayed.increment(by: outcome.delivered.count)
        deadLetters.increment(by: outcome.refused.count)
        for refused in outcome.refused {
            world.telemetry.logger.error(
                "A message was refused by the log and put aside.",
                [("message_id", .text(refused.pending.id)), ("reason", .text(refused.reason))])
        }
        if let failure { throw failure }
        return Pass(
            sent: outcome.delivered.count + outcome.refused.count, isMoreWaiting: isMoreWaiting,
            seen: seen)
    }

    private func renew(_ token: UUID) async {
        while true {
            do { try await Task.sleep(for: Self.renewInterval) } catch { return }
            try? await store.renew(token: token, lease: Self.claimLease)
        }
    }

    /// Records what was sent; whether more waits. Tried a few times: otherwise the clients wait for
    /// the claim's end.
    private func finish(_ outcome: Outcome, token: UUID) async throws -> Bool {
        var backoff = Backoff(base: .milliseconds(50), limit: .seconds(1))
        while true {
            do {
                return try await store.finish(
                    delivered: outcome.delivered, refused: outcome.refused, token: token)
            } catch {
                let pause = backoff.fail()
                guard backoff.failures < 6 else { throw error }
                try await Task.sleep(for: pause)
            }
        }
    }

    private struct Outcome {
        var delivered: [Int] = []
        var refused: [RefusedMessage] = []
    }

    /// Sends a batch; when it is refused as a whole, each message by itself, still in order.
    private func deliver(_ batch: [PendingMessage], into outcome: inout Outcome) async throws {
        var messages: [LogMessage] = []
        var rows: [PendingMessage] = []
        for row in batch {
            do {
                messages.append(
                    try JSONCoding.decode(LogMessage.self, from: row.body, strictness: .lenient))
                rows.append(row)
            } catch {
                outcome.refused.append(RefusedMessage(pending: row, reason: "unreadable"))
            }
        }
        guard !rows.isEmpty else { return }
        do {
            let results = try await traced(messages) { try await log.append(messages) }
            try record(results, of: rows, into: &outcome)
        } catch LogError.refused(let code, _) {
            guard rows.count > 1 else {
                outcome.refused.append(RefusedMessage(pending: rows[0], reason: code))
                return
            }
            for row in rows { try await deliver([row], into: &outcome) }
        }
    }

    /// One span for each message, below what caused it.
    private func traced<Value>(
        _ messages: [LogMessage], _ body: () async throws -> Value
    ) async throws -> Value {
        let spans = MessageSpan.begin(messages, world.telemetry.tracer)
        var failure: String?
        defer { MessageSpan.end(spans, failure: failure) }
        do { return try await body() } catch {
            failure = error.label
            throw error
        }
    }

    private func record(
        _ results: [LogAppendResult], of rows: [PendingMessage], into outcome: inout Outcome
    ) throws {
        guard results.map(\.id) == rows.map(\.id) else {
            throw LogError.unavailable(reason: "results_do_not_match")
        }
        for (result, row) in zip(results, rows) {
            switch result.status {
            case .accepted, .duplicate: outcome.delivered.append(row.sequence)
            case .conflict:
                outcome.refused.append(RefusedMessage(pending: row, reason: "event_id_conflict"))
            }
        }
    }

    /// The longest beginning that stays within the byte limit, at least one message.
    private static func bounded(_ messages: [PendingMessage]) -> [PendingMessage] {
        var bytes = 0
        let end = messages.firstIndex { message in
            bytes += message.body.count
            return bytes > batchLimitBytes
        }
        return Array(messages.prefix(max(1, end ?? messages.count)))
    }

    func nothingWaits() { lag.set(0) }

    func report(_ error: any Error) {
        failures.increment()
        world.telemetry.logger.warning(
            "Messages could not be relayed; trying again.", [("error", .text(error.label))])
    }
}
