import HTTPKit
import Kernel
import ServiceKit

extension EventService {
    /// How a client sees what was not taken, and sends it again.
    func rejectedEventRoutes(_ router: inout Router) {
        let store = intake.rejected.store
        let read = ReadRejections(store: store)
        let replay = ReplayRejections(
            store: store,
            replay: RejectionReplay(
                store: store, intake: intake, webhookSources: webhookSources,
                clock: context.world.clock),
            context: context)
        router.group(context.audiences.portal) { group in
            group.get("/rejected-events", handler: read.list)
            group.get("/rejected-events/reasons", handler: read.reasons)
            group.get("/rejected-events/{rejection_id}", handler: read.one)
            group.post("/rejected-events/replay", handler: replay.some)
            group.post(
                "/rejected-events/{rejection_id}/replay", limits: .noBody, handler: replay.one)
        }
    }
}

/// Why a rejected event cannot be shown or sent again.
enum RejectionFailure: Error, Sendable, Hashable {
    case unknown
    case alreadyReplayed
    /// Only the beginning of it is kept.
    case cut
}

/// The one mapping of failures around rejected events to what callers see.
extension RejectionFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .unknown: .notFound("rejected event")
        case .alreadyReplayed:
            .conflict("already_replayed", "It was sent again before and is in the log.")
        case .cut:
            .conflict(
                "event_cut",
                "Only its first \(RejectedEvent.maximumBytes) bytes are kept. Send it anew.")
        }
    }
}
