import Kernel

/// The thread behind a `CommandLane`: sends, receives, expires and reconnects. Confined to it.
final class CommandWorker {
    private typealias Instant = ContinuousClock.Instant

    private let lane: CommandLane
    private let configuration: RedisConfiguration
    private var connection: RedisConnection?
    private var isConnecting = false
    private var nextAttempt = ContinuousClock.now
    private var backoff: Backoff
    /// Nil while connected or before the first attempt ended.
    private var downReason: RedisError?

    private var unsent = FIFO<CommandRequest>()
    private var inFlight = FIFO<CommandRequest>()
    /// No unanswered request has an earlier deadline; may be stale, then a scan finds nothing.
    private var earliestDeadline: Instant?
    private var lastAnswer = ContinuousClock.now
    private var socketWantsAttention = false

    private var finished: [(CheckedContinuation<CommandResult, Never>, CommandResult)] = []
    private var releasedCommands = 0
    private var releasedBytes = 0

    init(lane: CommandLane) {
        self.lane = lane
        configuration = lane.configuration
        backoff = Backoff(
            base: configuration.backoffMinimum, limit: configuration.backoffMaximum)
    }

    /// Returns after the lane was stopped, with every caller answered.
    func run() {
        while true {
            let turn = lane.takeTurn()
            for request in turn.arrivals {
                unsent.append(request)
                earliestDeadline = min(earliestDeadline ?? request.deadline, request.deadline)
            }
            if turn.isStopped { break }
            if let outcome = turn.connected { adopt(outcome) }
            exchange()
            expire()
            connectIfDue()
            settle()
            sleep()
        }
        failAll(unsentWith: RedisError(.shutDown), sentWith: RedisError(.shutDown))
        settle()
        connection = nil
        lane.becomeDown(RedisError(.shutDown))
    }

    private func sleep() {
        let now = ContinuousClock.now
        var wake = earliestDeadline
        if connection == nil, !isConnecting { wake = min(wake ?? nextAttempt, nextAttempt) }
        if let stall = stallInstant { wake = min(wake ?? stall, stall) }
        let limit = lane.mayFallAsleep() ? (wake.map { $0 - now } ?? .seconds(60)) : .zero
        socketWantsAttention = lane.doorbell.wait(
            socket: connection?.socket, writable: connection?.hasUnsentBytes ?? false,
            limit: limit)
    }
}

// MARK: - Talking

extension CommandWorker {
    private func exchange() {
        guard let connection else {
            if let downReason { failAll(unsentWith: downReason, sentWith: downReason) }
            return
        }
        do throws(RedisError) {
            let now = ContinuousClock.now
            while var request = unsent.popFirst() {
                request.sentAt = now
                inFlight.append(request)
                try connection.append(request.bytes)
            }
            try connection.flush()
            if socketWantsAttention { accept(try connection.receive()) }
            try checkProgress()
        } catch {
            drop(error)
        }
    }

    /// Redis answers in order, so each answer belongs to the oldest request that still lacks one.
    private func accept(_ answers: [RedisValue]) {
        if !answers.isEmpty { lastAnswer = .now }
        for answer in answers {
            var isComplete = false
            inFlight.updateFirst { request in
                request.answers.append(answer)
                isComplete = request.answers.count == request.commandCount
            }
            if isComplete, let request = inFlight.popFirst() {
                finish(request, .success(request.answers))
            }
        }
    }

    /// When the server will have owed an answer for too long.
    private var stallInstant: Instant? {
        guard connection != nil, let sentAt = inFlight.first?.sentAt else { return nil }
        return max(sentAt, lastAnswer) + configuration.stallLimit
    }

    private func checkProgress() throws(RedisError) {
        guard let stallInstant, stallInstant <= .now else { return }
        throw RedisError(.connectionLost, detail: "The server does not answer.")
    }

    private func expire() {
        let now = ContinuousClock.now
        guard let earliest = earliestDeadline, earliest <= now else { return }
        var next: Instant?
        var kept = FIFO<CommandRequest>()
        while let request = unsent.popFirst() {
            if request.deadline <= now {
                finish(request, .failure(RedisError(.timeout)))
            } else {
                next = min(next ?? request.deadline, request.deadline)
                kept.append(request)
            }
        }
        unsent = kept
        inFlight.updateAll { request in
            guard let caller = request.caller else { return }
            if request.deadline <= now {
                // Its answer is still to come and will be dropped; only then is its place free.
                finished.append((caller, .failure(RedisError(.timeout))))
                request.caller = nil
            } else {
                next = min(next ?? request.deadline, request.deadline)
            }
        }
        earliestDeadline = next
    }
}

// MARK: - Connecting

extension CommandWorker {
    private func connectIfDue() {
        guard connection == nil, !isConnecting, nextAttempt <= .now else { return }
        isConnecting = true
        lane.connectElsewhere()
    }

    private func adopt(_ outcome: Result<RedisConnection, RedisError>) {
        isConnecting = false
        switch outcome {
        case .success(let connection):
            self.connection = connection
            downReason = nil
            lastAnswer = .now
            backoff.succeed()
            lane.becomeUp()
            lane.logger.info("redis connected")
        case .failure(let error):
            let isNews = downReason == nil || downReason?.code != error.code
            if isNews {
                lane.logger.warning("redis unavailable", [("code", .text("\(error.code)"))])
            }
            becomeDown(error)
        }
    }

    /// The connection is of no more use: whoever waits on it learns that now.
    private func drop(_ error: RedisError) {
        connection = nil
        lane.logger.warning("redis connection lost", [("code", .text("\(error.code)"))])
        becomeDown(RedisError(.unavailable, detail: error.detail))
    }

    private func becomeDown(_ reason: RedisError) {
        downReason = reason
        nextAttempt = .now + backoff.fail()
        lane.becomeDown(reason)
        failAll(unsentWith: reason, sentWith: RedisError(.connectionLost, detail: reason.detail))
    }
}

// MARK: - Answering callers

extension CommandWorker {
    private func failAll(unsentWith unsentError: RedisError, sentWith sentError: RedisError) {
        while let request = inFlight.popFirst() { finish(request, .failure(sentError)) }
        while let request = unsent.popFirst() { finish(request, .failure(unsentError)) }
        earliestDeadline = nil
    }

    private func finish(_ request: CommandRequest, _ result: CommandResult) {
        releasedCommands += request.commandCount
        releasedBytes += request.bytes.count
        if let caller = request.caller { finished.append((caller, result)) }
    }

    /// Frees the places first, so that a resumed caller finds room.
    private func settle() {
        if releasedCommands > 0 {
            lane.release(commands: releasedCommands, bytes: releasedBytes)
            releasedCommands = 0
            releasedBytes = 0
        }
        for (caller, result) in finished { caller.resume(returning: result) }
        finished.removeAll(keepingCapacity: true)
    }
}
