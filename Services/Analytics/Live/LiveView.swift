import Contracts
import HTTPKit
import Kernel

/// One caller's live view, from its first event to its end.
///
/// It ends by itself after a while, as soon as the credential it was opened with no longer counts,
/// and when its reader falls behind; whoever still wants it comes back with the last id.
struct LiveView: Sendable {
    /// Why a view ended.
    enum End: Sendable, Equatable {
        /// It had its time.
        case expired
        /// The credential was revoked or has expired, or the client may not any more.
        case unauthorized
        /// The reader did not keep up.
        case behind
    }

    /// How its events go out.
    protocol Output: Sendable {
        /// It is watched from here on.
        func begin() async throws
        func send(_ event: LiveEvent) async throws
        /// Some events were too many to bring.
        func sendGap(_ end: LogPosition) async throws
        /// A sign of life.
        func beat() async throws
    }

    static let lifetime: Duration = .seconds(15 * 60)
    static let heartbeat: Duration = .seconds(10)
    /// How often the credential is looked at again; mostly in the memory of this process.
    static let recheck: Duration = .seconds(1)

    let feed: LiveFeed
    let subscription: LiveSubscription
    /// The id of the last event that the viewer has seen.
    let after: LogPosition?
    /// Throws when the caller may no longer watch.
    let authorize: @Sendable () async throws -> Void

    /// Writes events until the end. Throws what the output or a cancellation throws.
    func run(_ output: some Output) async throws -> End {
        defer { feed.close(subscription) }
        try await output.begin()
        var last = after
        if let after {
            let history = try await feed.history(of: subscription, after: after)
            for event in history.events { try await output.send(event) }
            if history.hasGap { try await output.sendGap(history.end) }
            last = history.end
        }
        let end = ContinuousClock.now + Self.lifetime
        var beatDue = ContinuousClock.now + Self.heartbeat
        var checkDue = ContinuousClock.now + Self.recheck
        while ContinuousClock.now < end {
            try Task.checkCancellation()
            guard let events = await subscription.next(within: Self.recheck) else {
                return .behind
            }
            if ContinuousClock.now >= checkDue {
                do { try await authorize() } catch is CancellationError {
                    throw CancellationError()
                } catch { return .unauthorized }
                checkDue = ContinuousClock.now + Self.recheck
            }
            // What the log has brought already comes once more.
            for event in events where Self.isNew(event, after: last) {
                try await output.send(event)
                beatDue = ContinuousClock.now + Self.heartbeat
            }
            if ContinuousClock.now >= beatDue {
                try await output.beat()
                beatDue = ContinuousClock.now + Self.heartbeat
            }
        }
        return .expired
    }

    private static func isNew(_ event: LiveEvent, after last: LogPosition?) -> Bool {
        guard let last, last.shard == event.position.shard else { return true }
        return event.position.position > last.position
    }
}

/// A view as server-sent events.
struct LiveEventStream: LiveView.Output {
    let writer: HTTPBodyWriter

    /// So that the viewer knows that it watches, and how soon to come back.
    func begin() async throws { try await writer.write("retry: 2000\n: live\n\n") }

    func send(_ event: LiveEvent) async throws { try await writer.write(event.block) }

    func sendGap(_ end: LogPosition) async throws {
        try await writer.write(
            "id: \(end)\nevent: live.gap\ndata: {\"type\":\"live.gap\"}\n\n")
    }

    func beat() async throws { try await writer.write(": heartbeat\n\n") }
}

/// A view as messages of a WebSocket, which has its own signs of life.
struct LiveSocket: LiveView.Output {
    let socket: WebSocket

    func begin() async throws {}

    func send(_ event: LiveEvent) async throws { try await socket.send(text: event.message) }

    func sendGap(_ end: LogPosition) async throws {
        try await socket.send(text: "{\"id\":\"\(end)\",\"type\":\"live.gap\"}")
    }

    func beat() async throws {}

    /// Runs a view until it ends or the peer leaves; what the peer sends means nothing.
    func run(_ view: LiveView) async throws {
        try await withThrowingTaskGroup(of: LiveView.End?.self) { group in
            group.addTask { try await view.run(self) }
            group.addTask {
                for await _ in socket.messages {}
                return nil
            }
            defer { group.cancelAll() }
            guard let end = try await group.next() ?? nil else { return }
            switch end {
            case .expired: socket.close(.tryAgainLater, reason: "connect again")
            case .behind: socket.close(.tryAgainLater, reason: "too far behind")
            case .unauthorized: socket.close(.policyViolation, reason: "credential ended")
            }
        }
    }
}
