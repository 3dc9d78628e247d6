import Contracts
import Kernel

/// `POST /internal/links/issue`: the participant's link in a campaign, made on the first call.
///
/// There is one link per campaign and participant, so the caller's idempotency key adds nothing.
struct IssueLink: Sendable {
    let links: LinkStore
    let definitions: DefinitionCache
    let publicURL: String
    let faults: any FaultInjector

    func respond(_ input: IssueReferralLinkRequest) async throws -> ReferralLink {
        let (client, campaign) = (input.clientID, input.campaignID)
        let known = try await links.standing(campaign, input.participantID, of: client)
        if let link = known.link { return link.contract(publicURL) }
        guard let standing = known.campaign else { throw ReferralFailure.campaignUnknown }
        let definition = try await definitions.definition(
            campaign, revision: standing.revision, of: client)
        guard Destinations(definition.referral) != nil else {
            throw ReferralFailure.linksNotOffered
        }
        // A run of a paused campaign may be past its wait already; what is over makes no offers.
        guard standing.status == .active || standing.status == .paused else {
            throw ReferralFailure.campaignNotActive
        }
        let link = try await links.issue(
            campaign, input.participantID, of: client, businessOffset: known.businessOffset)
        faults.reach(ReferralCrashPoint.linkAfterCommit)
        return link.contract(publicURL)
    }
}

extension LinkRow {
    /// The link with its address, as other services and the portal see it.
    func contract(_ publicURL: String) -> ReferralLink {
        ReferralLink(
            linkID: linkID, campaignID: campaignID, participantID: participantID, code: code,
            url: "\(publicURL)/r/\(code)")
    }
}
