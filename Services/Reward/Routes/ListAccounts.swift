import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/ledger/accounts`: the client's accounts with their counters.
struct ListAccounts: Sendable {
    struct Account: Encodable, Sendable {
        let accountID: AccountID
        let kind: String
        /// The client, campaign or participant that the account belongs to.
        let owner: String
        let asset: String
        let debitsPending: String
        let debitsPosted: String
        let creditsPending: String
        let creditsPosted: String
        /// Posted credits less posted debits; negative for what is owed or was put in.
        let balance: Amount

        private enum CodingKeys: String, CodingKey {
            case kind, owner, asset, balance
            case accountID = "account_id"
            case debitsPending = "debits_pending"
            case debitsPosted = "debits_posted"
            case creditsPending = "credits_pending"
            case creditsPosted = "credits_posted"
        }
    }

    let ledger: LedgerStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.ledger)
        let page = try request.query.page()
        let campaign: CampaignID? = try request.query.id("campaign_id")
        let participant: ParticipantID? = try request.query.id("participant_id")
        let rows = try await ledger.accounts(
            of: [campaign?.uuid, participant?.uuid].compactMap(\.self),
            after: try request.query.cursor(), limit: page.limit + 1, client: principal.clientID)
        return .json(
            try Page(rows: rows, limit: page.limit) { $0.accountID.description }.map(Self.render))
    }

    private static func render(_ account: LedgerAccount) throws -> Account {
        Account(
            accountID: account.accountID, kind: account.kind.rawValue,
            owner: owner(of: account), asset: account.asset.code,
            debitsPending: String(account.debitsPending),
            debitsPosted: String(account.debitsPosted),
            creditsPending: String(account.creditsPending),
            creditsPosted: String(account.creditsPosted),
            balance: try Amount(
                units: account.creditsPosted - account.debitsPosted, asset: account.asset))
    }

    private static func owner(of account: LedgerAccount) -> String {
        switch account.kind {
        case .campaignBudget, .campaignReserve: CampaignID(account.owner).description
        case .participantPending, .participantAvailable, .participantHeld, .clawbackReceivable:
            ParticipantID(account.owner).description
        case .clientTreasury, .payoutClearing, .paidOut, .breakage, .fees:
            ClientID(account.owner).description
        }
    }
}
