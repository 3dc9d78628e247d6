import Contracts
import Testing

@testable import CampaignService

@Suite struct CampaignLifecycleTests {
    @Test func `a campaign goes from draft over active and paused to an end`() {
        let legal: [(CampaignStatus, CampaignAction, CampaignStatus)] = [
            (.draft, .activate, .active), (.active, .pause, .paused), (.paused, .resume, .active),
            (.draft, .close, .closed), (.active, .close, .closed), (.paused, .close, .closed),
            (.active, .complete, .completed), (.paused, .complete, .completed),
        ]
        for status in CampaignStatus.allCases {
            for action in CampaignAction.allCases {
                let expected = legal.first { $0.0 == status && $0.1 == action }?.2
                #expect(CampaignLifecycle.status(after: action, in: status) == expected)
            }
        }
    }

    @Test func `what has ended stays as it was`() {
        for status in [CampaignStatus.completed, .expired, .closed] {
            #expect(!CampaignLifecycle.isEditable(status))
        }
    }
}
