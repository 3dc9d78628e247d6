import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// A conversion as it is stored.
struct ConversionRow: Sendable, RowDecodable {
    let conversionID: ConversionID
    let campaignID: CampaignID
    let campaignRevision: Int
    let kind: ConversionKind
    let subject: String
    let participantID: ParticipantID
    let referrerID: ParticipantID
    let linkID: LinkID
    let clickID: ClickID?
    let value: Amount?
    let runID: RunID?
    let decisionID: ConversionDecisionID
    let occurredAt: Timestamp
    let convertedAt: Timestamp

    static let columns: SQL = """
        conversion_id, campaign_id, campaign_revision, kind, subject, referee_id, referrer_id,
        link_id, click_id, value_units, value_asset, run_id, decision_id, occurred_at, converted_at
        """

    init(row: Row) throws(PostgresError) {
        conversionID = try row.get("conversion_id")
        campaignID = try row.get("campaign_id")
        campaignRevision = try row.get("campaign_revision")
        kind = try row.get("kind")
        subject = try row.get("subject")
        participantID = try row.get("referee_id")
        referrerID = try row.get("referrer_id")
        linkID = try row.get("link_id")
        clickID = try row.get("click_id")
        runID = try row.get("run_id")
        decisionID = try row.get("decision_id")
        occurredAt = try row.get("occurred_at")
        convertedAt = try row.get("converted_at")
        if let asset = try row.get("value_asset", as: Asset?.self),
            let units = try row.get("value_units", as: Int128?.self)
        {
            value = try? Amount(units: units, asset: asset)
        } else {
            value = nil
        }
    }
}

/// What is known when a conversion is judged.
struct ConversionStanding: Sendable {
    let claim: ConversionInputs.Claim?
    let sharesEmail: Bool
    let sharesVisitor: Bool
    /// The subject's conversion, if there is one already.
    let existing: ConversionRow?
    /// The client's business time.
    let now: Timestamp
}

/// Reads what conversions are judged by, and books them.
struct ConversionStore: Sendable {
    let postgres: PostgresClient
    let world: World

    /// How the participant and the subject stand, and the key's decision if it has one: all in one
    /// round trip.
    func standing(
        _ request: CheckConversionRequest, key: String? = nil
    ) async throws -> (ConversionStanding, decided: StoredDecision?) {
        let rows = try await postgres.pipeline(
            [
                Self.standing(request, at: world.clock.now()), Self.existing(request),
            ] + (key.map { [DecisionStore.select(requestKey: $0, of: request.clientID)] } ?? []))
        guard let row = rows[0].first else {
            throw PostgresError.unreadable("how a participant stands")
        }
        let standing = ConversionStanding(
            claim: try Self.claim(row), sharesEmail: try row.get("shares_email"),
            sharesVisitor: try row.get("shares_visitor"),
            existing: try rows[1].first.map { row throws(PostgresError) in
                try ConversionRow(row: row)
            }, now: try row.get("business_time"))
        let decided = rows.count > 2 ? rows[2].first : nil
        return (
            standing,
            try decided.map { row throws(PostgresError) in try StoredDecision(row: row) }
        )
    }

    private static func standing(_ request: CheckConversionRequest, at now: Timestamp) -> SQL {
        let (client, participant) = (request.clientID, request.participantID)
        return """
            with claim as (
                select touch.link_id, touch.click_id, touch.touched_at, touch.trust, touch.refusal,
                    link.participant_id as referrer_id, link.code
                from referral_touch touch
                join referral_link link on link.link_id = touch.link_id
                where touch.client_id = \(client) and touch.participant_id = \(participant)
            )
            select claim.*, \(BusinessTime.of(client, at: now)) as business_time,
                exists (
                    select from referral_email mine join referral_email theirs
                        on theirs.client_id = mine.client_id
                        and theirs.participant_id = claim.referrer_id
                        and theirs.email_hash = mine.email_hash
                    where mine.client_id = \(client) and mine.participant_id = \(participant)
                        and claim.referrer_id <> \(participant)
                ) as shares_email,
                exists (
                    select from referral_visitor mine join referral_visitor theirs
                        on theirs.client_id = mine.client_id
                        and theirs.anonymous_id = mine.anonymous_id
                        and theirs.participant_id = claim.referrer_id
                    where mine.client_id = \(client) and mine.participant_id = \(participant)
                        and claim.referrer_id <> \(participant)
                        and (select count(*) from referral_visitor everybody
                            where everybody.client_id = mine.client_id
                                and everybody.anonymous_id = mine.anonymous_id)
                            <= \(AttributionBook.usersLimit)
                ) as shares_visitor
            from (select) nothing left join claim on true
            """
    }

    private static func claim(_ row: Row) throws -> ConversionInputs.Claim? {
        guard let linkID = try row.get("link_id", as: LinkID?.self) else { return nil }
        return ConversionInputs.Claim(
            referrerID: try row.get("referrer_id"), linkID: linkID, code: try row.get("code"),
            clickID: try row.get("click_id"), touchedAt: try row.get("touched_at"),
            trust: try row.get("trust"), refusal: try row.get("refusal"))
    }

    private static func existing(_ request: CheckConversionRequest) -> SQL {
        """
        select \(ConversionRow.columns) from referral_conversion
        where client_id = \(request.clientID) and campaign_id = \(request.campaignID)
            and kind = \(request.kind) and subject = \(request.subject)
        """
    }

    /// Books the conversion. The key decides: when its subject has one, `referral_conversion_once`
    /// is violated.
    static func insertion(
        _ conversionID: ConversionID, _ request: CheckConversionRequest,
        _ claim: ConversionInputs.Claim, decision: ConversionDecisionID, at now: Timestamp
    ) -> SQL {
        """
        insert into referral_conversion (conversion_id, client_id, campaign_id,
            campaign_revision, kind, subject, referee_id, referrer_id, link_id, click_id,
            value_units, value_asset, run_id, decision_id, occurred_at, converted_at)
        values (\(conversionID), \(request.clientID), \(request.campaignID),
            \(request.revision), \(request.kind), \(request.subject),
            \(request.participantID), \(claim.referrerID), \(claim.linkID),
            \(claim.clickID), \(request.value?.units), \(request.value?.asset),
            \(request.runID), \(decision), \(request.occurredAt), \(now))
        """
    }

    func find(
        _ conversion: ConversionID, of client: ClientID
    ) async throws(PostgresError) -> ConversionRow? {
        try await postgres.queryOne(
            """
            select \(ConversionRow.columns) from referral_conversion
            where client_id = \(client) and conversion_id = \(conversion)
            """)
    }

    /// Conversions of the client, newest first, at most `limit`, those after the cursor.
    func list(
        campaign: CampaignID?, referrer: ParticipantID?, after cursor: ConversionID?, limit: Int,
        of client: ClientID
    ) async throws(PostgresError) -> [ConversionRow] {
        var sql: SQL =
            "select \(ConversionRow.columns) from referral_conversion where client_id = \(client)"
        if let campaign { sql += " and campaign_id = \(campaign)" }
        if let referrer { sql += " and referrer_id = \(referrer)" }
        if let cursor { sql += " and conversion_id < \(cursor)" }
        sql += " order by conversion_id desc limit \(limit)"
        return try await postgres.query(sql)
    }
}
