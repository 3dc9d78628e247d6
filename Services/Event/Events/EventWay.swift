import Contracts
import HTTPKit
import Kernel

/// Tells how far an event has come after the log: who has passed it, what it started, whether the
/// archive has it. Services that do not answer in time leave their part unknown.
struct EventWay: Sendable {
    private static let options = CallOptions(deadline: .seconds(2), attempts: 1)

    struct Answer: Sendable, Encodable {
        struct Subscriber: Sendable, Encodable {
            let name: String
            let position: LogPosition
            let hasPassed: Bool
            /// When it moved last.
            let updatedAt: Timestamp

            private enum CodingKeys: String, CodingKey {
                case name, position
                case hasPassed = "has_passed"
                case updatedAt = "updated_at"
            }
        }

        enum Archive: String, Sendable, Encodable {
            case stored, waiting, unknown
        }

        struct Runs: Sendable, Encodable {
            let isKnown: Bool
            let data: [EventRun]

            private enum CodingKeys: String, CodingKey {
                case data
                case isKnown = "is_known"
            }
        }

        /// Told by each about once a second.
        let subscribers: [Subscriber]
        let archive: Archive
        let runs: Runs
    }

    let store: LoggedEventStore
    let workflowService: PeerClient
    let analyticsService: PeerClient

    func follow(_ logged: LoggedEvent) async throws -> Answer {
        let event = logged.event
        let shard = event.position.shard
        async let runs = runs(of: event)
        async let archive = archive(of: event)
        let subscribers = try await store.subscribers(of: shard).map { state in
            Answer.Subscriber(
                name: state.name,
                position: LogPosition(shard: shard, position: state.acknowledged),
                hasPassed: state.acknowledged >= event.position.position,
                updatedAt: state.updatedAt)
        }
        return Answer(subscribers: subscribers, archive: await archive, runs: await runs)
    }

    private func runs(of event: LogEvent) async -> Answer.Runs {
        let asked = EventRunsRequest(clientID: event.clientID, position: event.position)
        let found = try? await workflowService.call(
            WorkflowContracts.runsOfEvent, asked, Self.options)
        return Answer.Runs(isKnown: found != nil, data: found?.runs ?? [])
    }

    private func archive(of event: LogEvent) async -> Answer.Archive {
        let asked = ArchivedEventRequest(
            clientID: event.clientID, campaignID: event.campaignID, type: event.type,
            occurredAt: event.occurredAt, position: event.position)
        let found = try? await analyticsService.call(
            AnalyticsContracts.archivedEvent, asked, Self.options)
        guard let found else { return .unknown }
        return found.isStored ? .stored : .waiting
    }
}
