import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/events/volumes?window=hour|day`: how much came, by time, type and door.
struct ReadVolumes: Sendable {
    private enum Window: String, CaseIterable, Encodable {
        case hour, day

        var length: Duration { self == .hour ? .seconds(3600) : .seconds(86_400) }
        var stepSeconds: Int { self == .hour ? Int(VolumeBook.stretchSeconds) : 3600 }
    }

    private struct Answer: Encodable {
        let window: Window
        let from: Timestamp
        let asOf: Timestamp
        let stepSeconds: Int
        let steps: [Step]
        let byEvent: [Part]
        let bySource: [Part]

        private enum CodingKeys: String, CodingKey {
            case window, from, steps
            case asOf = "as_of"
            case stepSeconds = "step_seconds"
            case byEvent = "by_event"
            case bySource = "by_source"
        }
    }

    private struct Step: Encodable {
        let at: Timestamp
        let accepted: Int
        let duplicate: Int
        let rejected: Int
    }

    private struct Part: Encodable {
        var event: String?
        var front: EventFront?
        var keyID: String?
        var sourceID: String?
        let accepted: Int
        let duplicate: Int
        let rejected: Int

        private enum CodingKeys: String, CodingKey {
            case event, front, accepted, duplicate, rejected
            case keyID = "key_id"
            case sourceID = "source_id"
        }

        init(_ row: VolumeRow) {
            accepted = row.counts.accepted
            duplicate = row.counts.duplicate
            rejected = row.counts.rejected
            let key = row.key.flatMap { $0.isEmpty ? nil : $0 }
            front = row.front
            switch row.front {
            case nil: event = key
            case .webhook: sourceID = key
            default: keyID = key
            }
        }
    }

    let store: VolumeStore
    let clock: any TimeSource

    func respond(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse
    {
        try principal.require(ReadRejections.scope)
        let window = try request.query.choice("window", as: Window.self) ?? .hour
        let now = clock.now()
        // The stretch under way and as many whole ones as the window has.
        let first = VolumeBook.stretch(of: now - window.length)
        let client = principal.clientID
        let steps = try await store.byTime(
            of: client, from: first, stepSeconds: window.stepSeconds)
        return .json(
            Answer(
                window: window, from: first, asOf: now, stepSeconds: window.stepSeconds,
                steps: steps.compactMap { row in
                    row.at.map {
                        Step(
                            at: $0, accepted: row.counts.accepted,
                            duplicate: row.counts.duplicate, rejected: row.counts.rejected)
                    }
                },
                byEvent: try await store.byType(of: client, from: first).map { Part($0) },
                bySource: try await store.bySource(of: client, from: first).map { Part($0) }))
    }
}
