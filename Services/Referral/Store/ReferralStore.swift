import Contracts
import Kernel
import PostgresKit

/// An attribution as the portal shows it.
struct AttributionRow: Sendable, RowDecodable {
    let attributionID: AttributionID
    let campaignID: CampaignID
    let participantID: ParticipantID
    let referrerID: ParticipantID
    let linkID: LinkID
    let code: String
    let clickID: ClickID?
    let touchedAt: Timestamp
    let attributedAt: Timestamp

    init(row: Row) throws(PostgresError) {
        attributionID = try row.get("attribution_id")
        campaignID = try row.get("campaign_id")
        participantID = try row.get("referee_id")
        referrerID = try row.get("referrer_id")
        linkID = try row.get("link_id")
        code = try row.get("code")
        clickID = try row.get("click_id")
        touchedAt = try row.get("touched_at")
        attributedAt = try row.get("attributed_at")
    }
}

/// Reads who brought whom.
struct ReferralStore: Sendable {
    let postgres: PostgresClient

    /// Attributions of the client, newest first, at most `limit`, those after the cursor.
    func list(
        referrer: ParticipantID?, participant: ParticipantID?, after cursor: AttributionID?,
        limit: Int, of client: ClientID
    ) async throws(PostgresError) -> [AttributionRow] {
        var sql: SQL = """
            select made.attribution_id, made.referee_id, made.referrer_id, made.link_id,
                made.click_id, made.touched_at, made.attributed_at, link.code, link.campaign_id
            from referral_attribution made
            join referral_link link on link.link_id = made.link_id
            where made.client_id = \(client)
            """
        if let referrer { sql += " and made.referrer_id = \(referrer)" }
        if let participant { sql += " and made.referee_id = \(participant)" }
        if let cursor { sql += " and made.attribution_id < \(cursor)" }
        sql += " order by made.attribution_id desc limit \(limit)"
        return try await postgres.query(sql)
    }
}
