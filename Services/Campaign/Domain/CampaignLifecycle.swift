import Contracts
import Kernel

/// What can be done to a campaign.
enum CampaignAction: String, Sendable, CaseIterable {
    case activate, pause, resume, close
    /// The end of its period has come.
    case complete
}

/// The life of a campaign (DESIGN §7): draft → active ⇄ paused → completed or closed. Pure.
enum CampaignLifecycle {
    /// Where an action leads; nil when it is not possible in that state.
    static func status(
        after action: CampaignAction, in status: CampaignStatus
    ) -> CampaignStatus? {
        switch (status, action) {
        case (.draft, .activate): .active
        case (.active, .pause): .paused
        case (.paused, .resume): .active
        case (.draft, .close), (.active, .close), (.paused, .close): .closed
        case (.active, .complete), (.paused, .complete): .completed
        default: nil
        }
    }

    /// Whether a new revision may still be made.
    static func isEditable(_ status: CampaignStatus) -> Bool {
        switch status {
        case .draft, .inReview, .active, .paused: true
        case .completed, .expired, .closed: false
        }
    }

    /// The type of the message that tells others of a step.
    static func message(for action: CampaignAction) -> String {
        switch action {
        case .activate: CampaignMessage.activated
        case .pause: CampaignMessage.paused
        case .resume: CampaignMessage.resumed
        case .close: CampaignMessage.closed
        case .complete: CampaignMessage.completed
        }
    }
}
