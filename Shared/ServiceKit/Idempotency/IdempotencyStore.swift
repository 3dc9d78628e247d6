import HTTPKit
package import Kernel
package import PostgresKit
import SecurityKit

/// Makes an effect happen once per idempotency key, and gives its first answer to every repeat.
///
/// The key, the answer and the effect are one transaction: after a crash there are all or none.
/// A twin in this process waits for the first without a connection, a twin in another process tries
/// an advisory lock a few times; both get 409 `idempotency_in_progress` when it takes too long.
/// Keys are kept for 48 hours.
package struct IdempotencyStore: Sendable {
    /// How long a key is remembered.
    package static let retention: Duration = .seconds(48 * 3600)

    private struct FlightKey: Hashable {
        let clientID: ClientID
        let route: String
        let key: String
    }

    /// The lock is held by a twin elsewhere.
    private struct Busy: Error {}

    private let world: World
    private let flights = SingleFlight<FlightKey, AnsweredRequest>()
    private let waitLimit: Duration
    private let replays: Counter
    private let conflicts: Counter

    /// - Parameter waitLimit: how long a twin waits for the first before its 409.
    package init(world: World, waitLimit: Duration = .seconds(2)) {
        self.world = world
        self.waitLimit = waitLimit
        let metrics = world.telemetry.metrics
        replays = metrics.counter(
            "grapevine_idempotency_replays_total", help: "Requests answered with a first answer.")
        conflicts = metrics.counter(
            "grapevine_idempotency_conflicts_total",
            help: "Requests refused because their twin was still running.")
    }

    /// Runs `body` in a transaction unless the key was used before; then gives the first answer.
    ///
    /// What `body` throws rolls everything back and is not stored: the same key may be tried again,
    /// so throw problems that may pass and return (as a `StoredResponse`) refusals that are final.
    /// `body` may run several times before one commits, as in `withTransaction`; it must not call
    /// out.
    ///
    /// Throws 409 `idempotency_in_progress` with `Retry-After` while a twin runs, 422
    /// `idempotency_key_reused` for another payload, and what `body` and the database throw.
    package func perform(
        _ request: IdempotencyRequest, in postgres: PostgresClient,
        body: (Transaction) async throws -> StoredResponse
    ) async throws -> IdempotentAnswer {
        let key = FlightKey(clientID: request.clientID, route: request.route, key: request.key)
        switch await flights.enter(key, within: waitLimit) {
        case .gaveUp:
            try Task.checkCancellation()
            throw inProgress()
        case .followed(let answered):
            return try replay(answered, to: request)
        case .lead:
            do {
                let (answered, isReplay) = try await lead(request, in: postgres, body: body)
                flights.finish(key, with: answered)
                guard isReplay else {
                    return IdempotentAnswer(stored: answered.response, isReplay: false)
                }
                return try replay(answered, to: request)
            } catch {
                flights.finish(key, with: nil)
                throw error
            }
        }
    }

    /// Like the other when there is a key; without one the effect simply happens in a transaction.
    package func perform(
        _ request: IdempotencyRequest?, in postgres: PostgresClient,
        body: (Transaction) async throws -> StoredResponse
    ) async throws -> IdempotentAnswer {
        if let request { return try await perform(request, in: postgres, body: body) }
        let stored = try await postgres.withTransaction { try await body($0) }
        return IdempotentAnswer(stored: stored, isReplay: false)
    }

    /// Deletes keys older than 48 hours, a thousand at a time. Returns how many.
    @discardableResult
    package func purge(_ postgres: PostgresClient) async throws(PostgresError) -> Int {
        let limit = world.clock.now() - Self.retention
        return try await DatabasePurge.run(batch: 1000) { batch throws(PostgresError) in
            try await IdempotencyRows.delete(before: limit, atMost: batch, in: postgres)
        }
    }

    /// Tries until the lock is free, with pauses that hold no connection: 0.6 s in all.
    private func lead(
        _ request: IdempotencyRequest, in postgres: PostgresClient,
        body: (Transaction) async throws -> StoredResponse
    ) async throws -> (AnsweredRequest, isReplay: Bool) {
        var pause = Duration.milliseconds(20)
        for attempt in 1...6 {
            do {
                return try await attemptOnce(request, in: postgres, body: body)
            } catch is Busy {
                if attempt == 6 { break }
            } catch let error as PostgresError where error.code == .commitUnknown && attempt < 6 {
                // The key tells: the lock is free only when the lost transaction has ended, and
                // then its row is there or its effect is not.
                world.telemetry.logger.warning("commit unknown; asking the idempotency key")
            }
            try await Task.sleep(for: pause * Double.random(in: 0.5...1.5))
            pause *= 2
        }
        throw inProgress()
    }

    private func attemptOnce(
        _ request: IdempotencyRequest, in postgres: PostgresClient,
        body: (Transaction) async throws -> StoredResponse
    ) async throws -> (AnsweredRequest, isReplay: Bool) {
        let lock = Self.lockNumber(request)
        return try await postgres.withTransaction { transaction in
            let found = try await IdempotencyRows.lock(request, number: lock, in: transaction)
            if let answered = found.answered { return (answered, isReplay: true) }
            guard found.isLocked else { throw Busy() }
            let response = try await body(transaction)
            let answered = AnsweredRequest(fingerprint: request.fingerprint, response: response)
            try await IdempotencyRows.insert(
                answered, of: request, at: world.clock.now(), in: transaction)
            return (answered, isReplay: false)
        }
    }

    private func replay(
        _ answered: AnsweredRequest, to request: IdempotencyRequest
    ) throws(Problem) -> IdempotentAnswer {
        guard answered.fingerprint == request.fingerprint else {
            throw .unprocessable(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Use a new key for a new one.")
        }
        replays.increment()
        return IdempotentAnswer(stored: answered.response, isReplay: true)
    }

    private func inProgress() -> Problem {
        conflicts.increment()
        return .conflict(
            "idempotency_in_progress",
            "A request with this Idempotency-Key is still running. Send the same again shortly.",
            retryAfter: .seconds(1))
    }

    /// Equal numbers of different keys only make one wait for the other.
    private static func lockNumber(_ request: IdempotencyRequest) -> Int64 {
        let text = "idempotency\n\(request.clientID)\n\(request.route)\n\(request.key)"
        let number = Digest.sha256(Array(text.utf8)).prefix(8).reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        return Int64(bitPattern: number)
    }
}
