import Contracts
import HTTPKit
import Kernel

/// The one mapping of this service's failures to what callers see.
extension CampaignFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .notFound: .notFound("campaign")
        case .notPossible(let action, let status):
            .conflict(
                "illegal_transition",
                "A campaign that is \(status.rawValue) cannot \(action.rawValue).")
        case .notEditable(let status):
            .conflict("not_editable", "A campaign that is \(status.rawValue) cannot be changed.")
        case .otherRevision(let inForce):
            Problem(
                status: 412, code: "revision_mismatch",
                detail: "Revision \(inForce) is in force. Read it, then change that one.")
        case .otherPulse(let pulse):
            .conflict(
                "pulse_fixed",
                "The campaign has run as \(pulse.rawValue). Create another one for another pulse.")
        case .periodOver(let end):
            .conflict("period_over", "The campaign's period ended at \(end). Change it first.")
        }
    }
}
