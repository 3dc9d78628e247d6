import DurableKit
import HTTPKit
import Kernel

/// What a failed attempt of a pulse's step means.
enum PulseFailures {
    /// A peer that asks for more patience than this is asked again all the same.
    private static let longestWait = Duration.seconds(15)

    static func classify(_ error: any Error) -> FailureClass {
        switch error {
        case let held as CampaignHeld:
            return .transient(
                RunFailure(code: "campaign_paused", detail: "The campaign is paused."),
                after: held.nextLook)
        case let failure as PeerCallFailure:
            return classify(failure)
        default:
            return .standard(error)
        }
    }

    private static func classify(_ failure: PeerCallFailure) -> FailureClass {
        let error = failure.error
        let reason = RunFailure(code: code(of: error), detail: "\(failure.peer): \(error)")
        // A token that a peer does not take is ours to put right, and no fault of the run.
        guard error.isRetryable || [401, 403].contains(error.status) else {
            return .permanent(reason)
        }
        return .transient(reason, after: error.retryAfter.map { min($0, longestWait) })
    }

    private static func code(of error: PeerError) -> String {
        switch error {
        case .problem(let document, _): document.code
        case .unavailable: "peer_unavailable"
        case .timeout: "peer_timeout"
        case .circuitOpen: "peer_circuit_open"
        case .malformedResponse: "peer_answer_malformed"
        case .cancelled: "call_cancelled"
        case .invalidRequest: "call_impossible"
        }
    }
}
