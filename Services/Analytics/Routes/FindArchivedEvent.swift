import Contracts
import Kernel

/// `POST /internal/archive/event`: whether an event of the log is in the archive.
struct FindArchivedEvent: Sendable {
    let events: EventListStore

    func respond(_ input: ArchivedEventRequest) async throws -> ArchivedEventResponse {
        ArchivedEventResponse(isStored: try await events.has(input))
    }
}
