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

    init(row: Row) throws(PostgresError) {
        linkID = try row.get("link_id")
        clientID = try row.get("client_id")
        campaignID = try row.get("campaign_id")
        participantID = try row.get("participant_id")
        code = try row.get("code")
        issuedAt = try row.get("issued_at")
    }

    /// What messages tell of it.
    func activity(clickID: ClickID? = nil) -> ReferralActivity {
        ReferralActivity(
            linkID: linkID, code: code, referrerID: participantID, clickID: clickID)
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

    /// The participant's link in the campaign; nil when there is none yet.
    func find(
        _ campaign: CampaignID, _ participant: ParticipantID, of client: ClientID
    ) async throws(PostgresError) -> LinkRow? {
        try await postgres.queryOne(Self.lookUp(campaign, participant, client))
    }

    /// The participant's link in the campaign, made now unless there is one. The database decides
    /// who is first, and whether a code is free.
    func issue(
        _ campaign: CampaignID, _ participant: ParticipantID, of client: ClientID
    ) async throws -> LinkRow {
        for _ in 0..<Self.maximumDraws {
            let code = ReferralCode.random(random)
            let row = try await postgres.withTransaction { transaction in
                try await insert(code, campaign, participant, client, in: transaction)
            }
            if let row { return row }
        }
        throw ReferralFailure.codesExhausted
    }

    /// Nil when the code is somebody else's.
    private func insert(
        _ code: ReferralCode, _ campaign: CampaignID, _ participant: ParticipantID,
        _ client: ClientID, in transaction: Transaction
    ) async throws -> LinkRow? {
        let new: LinkRow? = try await transaction.queryOne(
            """
            insert into referral_link as link (
                link_id, client_id, campaign_id, participant_id, code, issued_at)
            values (\(world.ids.next(LinkID.self)), \(client), \(campaign), \(participant),
                \(code.text), \(BusinessTime.of(client, at: world.clock.now())))
            on conflict do nothing
            returning \(LinkRow.columns)
            """)
        guard let new else {
            return try await transaction.queryOne(Self.lookUp(campaign, participant, client))
        }
        let message = try messages.message(
            ReferralMessage.linkIssued, new.activity(), of: client, campaign: campaign,
            subject: new.linkID.description, at: new.issuedAt)
        try await outbox.append([message], in: transaction)
        world.faults.reach(ReferralCrashPoint.linkBeforeCommit)
        return new
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

    private static func lookUp(
        _ campaign: CampaignID, _ participant: ParticipantID, _ client: ClientID
    ) -> SQL {
        """
        select \(LinkRow.columns) from referral_link link
        where client_id = \(client) and campaign_id = \(campaign)
            and participant_id = \(participant)
        """
    }
}
