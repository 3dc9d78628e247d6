package import Contracts
import FoundationEssentials
package import HTTPKit
package import Kernel
import Synchronization

/// Stands in for event-service: its log with one shard, in memory, behind the routes of its
/// contract.
package final class StandInEventLog: Sendable {
    private struct State {
        var events: [LogEvent] = []
        var messages: [LogMessage] = []
    }

    private let state = Mutex(State())
    private let appended = WakeSignal()

    package init() {}

    /// What services told the log, in order and each once.
    package var messages: [LogMessage] { state.withLock { $0.messages } }
    /// The position of the last event.
    package var head: Int { state.withLock { $0.events.count } }

    /// Puts an event into the log.
    @discardableResult
    package func add(_ make: (LogPosition) -> LogEvent) -> LogPosition {
        let position = state.withLock { state in
            let position = LogPosition(shard: 0, position: state.events.count + 1)
            state.events.append(make(position))
            return position
        }
        appended.raise()
        return position
    }

    /// Puts an event into the log; `trust` is that of a service unless said otherwise.
    @discardableResult
    package func publish(
        _ type: String, _ data: JSONValue, client: ClientID, id: String = UUID().uuidString,
        at time: Timestamp = SystemClock().now(), trust: Trust = .internal
    ) -> LogPosition {
        add { position in
            LogEvent(
                position: position, eventID: id, type: type, clientID: client, occurredAt: time,
                receivedAt: time, trust: trust, properties: data)
        }
    }

    /// The log's routes, below `/internal`.
    package func mount(_ group: inout RouteGroup<Void>) {
        group.on(EventContracts.shards) { _, _, _ in LogShardsResponse(count: 1) }
        group.on(EventContracts.append) { input, _, _ in
            LogAppendResponse(results: self.take(input.messages))
        }
        group.get("/feed") { request, _ in .json(await self.page(request.query)) }
    }

    private func take(_ messages: [LogMessage]) -> [LogAppendResult] {
        state.withLock { state in
            messages.map { message in
                if state.messages.contains(where: { $0.id == message.id }) {
                    return LogAppendResult(id: message.id, status: .duplicate, position: nil)
                }
                state.messages.append(message)
                return LogAppendResult(id: message.id, status: .accepted, position: nil)
            }
        }
    }

    private func page(_ query: QueryParameters) async -> FeedPage {
        let after = (try? query.integer("after")) ?? 0
        let limit = (try? query.integer("limit")) ?? 500
        let wait = (try? query.integer("wait_milliseconds")) ?? 0
        let wanted = Wanted(query: { query[$0] }) ?? .everything
        let deadline = ContinuousClock.now + .milliseconds(wait)
        while true {
            let seen = appended.raises
            let page = state.withLock { state in
                let matching = state.events.dropFirst(after)
                    .filter { wanted.includes(type: $0.type, facets: EventFacets($0)) }
                let events = Array(matching.prefix(limit))
                let next =
                    events.count < matching.count
                    ? events.last?.position.position : state.events.count
                return FeedPage(
                    shard: 0, events: events, next: limit == 0 ? after : max(next ?? 0, after),
                    head: state.events.count)
            }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard page.events.isEmpty, rest > .zero, !Task.isCancelled else { return page }
            await appended.wait(past: seen, within: rest)
        }
    }
}
