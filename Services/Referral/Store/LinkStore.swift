import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// A link as it is stored.
struct LinkRow: Sendable, Hashable, RowDecodable {
    let linkID: LinkID
    let clientID: ClientID
    let campaignID: CampaignID
    let participantID: ParticipantID
    let code: String
    let issuedAt: Timestamp

    static let columns: SQL = """
        link.link_id, link.client_id, link.campaign_id, link.participant_id, link.code,
        link.issued_at
        """

    /// What messages tell of it.
    func activity(clickID: ClickID? = nil) -> ReferralActivity {
        ReferralActivity(
            linkID: linkID, code: code, referrerID: participantID, clickID: clickID)
    }
}

extension LinkRow {
    init(row: Row) throws(PostgresError) {
        self.init(
            linkID: try row.get("link_id"), clientID: try row.get("client_id"),
            campaignID: try row.get("campaign_id"), participantID: try row.get("participant_id"),
            code: try row.get("code"), issuedAt: try row.get("issued_at"))
    }
}

/// A link that was visited, with how its campaign and client stand.
struct VisitedLink: Sendable {
    let link: LinkRow
    let campaignRevision: Int
    let campaignStatus: CampaignStatus
    let clientStatus: ClientStatus
    let businessOffset: Duration
}

/// Which links a list is about.
struct LinkFilter: Sendable {
    var campaignID: CampaignID?
    var participantID: ParticipantID?
}

/// Gives out links and finds them.
struct LinkStore: Sendable {
    /// A code that is taken is drawn again; with 3.8 × 10¹¹ codes the second is nearly always free.
    private static let maximumDraws = 10

    let postgres: PostgresClient
    let outbox: Outbox
    let messages: ReferralMessages
    let world: World
    /// Random bytes for codes.
    let random: @Sendable (Int) -> [UInt8]

    /// How a participant stands in a campaign.
    struct Standing: Sendable {
        /// Nil when there is none yet.
        let link: LinkRow?
        /// Nil when the client has no such campaign.
        let campaign: (revision: Int, status: CampaignStatus)?
        /// How far ahead the client's business clock runs.
        let businessOffset: Duration
    }

    /// The participant's link in the campaign, and what is needed to make one.
    func standing(
        _ campaign: CampaignID, _ participant: ParticipantID, of client: ClientID
    ) async throws -> Standing {
        let rows = try await postgres.pipeline([
            """
            select \(LinkRow.columns) from referral_link link
            where client_id = \(client) and campaign_id = \(campaign)
                and participant_id = \(participant)
            """,
            """
            select campaign.revision, campaign.status,
                coalesce(settings.business_clock_offset_milliseconds, 0) as offset_milliseconds
            from campaign
            left join client_settings settings on settings.client_id = campaign.client_id
            where campaign.client_id = \(client) and campaign.campaign_id = \(campaign)
            """,
        ])
        let told = rows[1].first
        return Standing(
            link: try rows[0].first.map { row throws(PostgresError) in try LinkRow(row: row) },
            campaign: try told.map { (try $0.get("revision"), try $0.get("status")) },
            businessOffset: .milliseconds(
                try told?.get("offset_milliseconds", as: Int64.self) ?? 0))
    }

    /// Makes the participant's link in the campaign and tells of it, both or neither, in one round
    /// trip. The database decides who is first, and whether a code is free.
    ///
    /// - Parameter offset: how far ahead the client's business clock runs.
    func issue(
        _ campaign: CampaignID, _ participant: ParticipantID, of client: ClientID,
        businessOffset offset: Duration
    ) async throws -> LinkRow {
        for _ in 0..<Self.maximumDraws {
            let new = LinkRow(
                linkID: world.ids.next(), clientID: client, campaignID: campaign,
                participantID: participant, code: ReferralCode.random(random).text,
                issuedAt: world.clock.now() + offset)
            do {
                try await insert(new)
                return new
            } catch let error as PostgresError where error.constraint == "referral_link_code" {
                continue
            } catch let error as PostgresError where error.constraint == "referral_link_once" {
                // Somebody was first, and has committed.
                guard
                    let first = try await standing(campaign, participant, of: client).link
                else { throw error }
                return first
            }
        }
        throw ReferralFailure.codesExhausted
    }

    private func insert(_ new: LinkRow) async throws {
        let message = try messages.message(
            ReferralMessage.linkIssued, new.activity(), of: new.clientID,
            campaign: new.campaignID, subject: new.linkID.description, at: new.issuedAt)
        world.faults.reach(ReferralCrashPoint.linkBeforeCommit)
        try await outbox.write(
            [
                """
                insert into referral_link (
                    link_id, client_id, campaign_id, participant_id, code, issued_at)
                values (\(new.linkID), \(new.clientID), \(new.campaignID),
                    \(new.participantID), \(new.code), \(new.issuedAt))
                """
            ], telling: [message])
    }

    /// Whose the code is, whoever's client; nil when nobody's. Installation-wide, for visitors.
    func visit(_ code: ReferralCode) async throws -> VisitedLink? {
        let row = try await postgres.queryOne(
            """
            select \(LinkRow.columns), campaign.revision, campaign.status,
                coalesce(settings.status, 'active') as client_status,
                coalesce(settings.business_clock_offset_milliseconds, 0) as offset_milliseconds
            from referral_link link
            join campaign on campaign.client_id = link.client_id
                and campaign.campaign_id = link.campaign_id
            left join client_settings settings on settings.client_id = link.client_id
            where link.code = \(code.text)
            """)
        return try row.map { row in
            VisitedLink(
                link: try LinkRow(row: row), campaignRevision: try row.get("revision"),
                campaignStatus: try row.get("status"),
                clientStatus: try row.get("client_status"),
                businessOffset: .milliseconds(
                    try row.get("offset_milliseconds", as: Int64.self)))
        }
    }

    /// Links of the client, newest first, at most `limit`, those after the cursor.
    func list(
        _ filter: LinkFilter, after cursor: LinkID?, limit: Int, of client: ClientID
    ) async throws(PostgresError) -> [LinkRow] {
        var sql: SQL =
            "select \(LinkRow.columns) from referral_link link where client_id = \(client)"
        if let campaign = filter.campaignID { sql += " and campaign_id = \(campaign)" }
        if let participant = filter.participantID { sql += " and participant_id = \(participant)" }
        if let cursor { sql += " and link_id < \(cursor)" }
        sql += " order by link_id desc limit \(limit)"
        return try await postgres.query(sql)
    }
}
