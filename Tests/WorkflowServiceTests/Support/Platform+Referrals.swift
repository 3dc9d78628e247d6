import Contracts
import Foundation
import HTTPKit
import Kernel
import Synchronization

/// Referral-service and notification-service, as far as a run sees them.
extension Platform {
    func serveReferrals(_ group: inout RouteGroup<Void>) {
        group.on(ReferralContracts.issueLink) { input, request, _ in
            try self.admit(request)
            return ReferralLink(
                linkID: LinkID(input.participantID.uuid), campaignID: input.campaignID,
                participantID: input.participantID, code: "CODE",
                url: "https://go.example/r/CODE")
        }
        group.on(ReferralContracts.checkConversion) { input, request, _ in
            try self.admit(request)
            return self.conversion(input)
        }
    }

    private func conversion(_ input: CheckConversionRequest) -> ConversionDecision {
        let (referrer, isSelfReferral) = state.withLock { state in
            state.conversions.append(input)
            return (state.referrers[input.participantID], state.isSelfReferral)
        }
        let outcome: ConversionDecision.Outcome =
            isSelfReferral ? .refused : referrer == nil ? .unattributed : .converted
        let isConverted = outcome == .converted
        return ConversionDecision(
            outcome: outcome, decisionID: "attribution",
            conversionID: isConverted ? ConversionID(UUID()) : nil,
            referrerID: isConverted ? referrer : nil, linkID: nil,
            checks: [
                EligibilityCheck(
                    code: isSelfReferral ? "not_self_referral" : "attributed",
                    passed: isConverted, detail: "As the test says.")
            ])
    }

    func serveNotifications(_ group: inout RouteGroup<Void>) {
        group.on(NotificationContracts.send) { input, request, _ in
            try self.admit(request)
            let refusal = self.state.withLock { state in
                state.messages.append(input)
                return state.refusedTemplates[input.template]
            }
            return SendNotificationResponse(
                notificationID: NotificationID(UUID()),
                outcome: refusal == nil ? .queued : .refused, reason: refusal)
        }
    }

    /// How many different rewards were asked for.
    var grants: Set<Grant> {
        state.withLock { state in
            Set(
                state.allocations.map {
                    Grant(
                        ruleID: $0.ruleID, role: $0.role, participantID: $0.participantID,
                        subject: $0.subject)
                })
        }
    }
}

/// What a reward is given for, within a campaign.
struct Grant: Sendable, Hashable {
    let ruleID: String
    let role: RewardRecipient
    let participantID: ParticipantID
    let subject: String
}
