import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit

/// Campaigns and their revisions. Every function takes the client: there is no way to another's
/// rows.
struct CampaignStore: Sendable {
    let postgres: PostgresClient

    // MARK: - Reading

    func find(
        _ campaign: CampaignID, of client: ClientID, revision: Int? = nil
    ) async throws -> Campaign? {
        try await postgres.queryOne(
            """
            \(Self.select) and r.revision = coalesce(\(revision)::integer, c.revision)
            where c.client_id = \(client) and c.campaign_id = \(campaign)
            """, as: CampaignRow.self)?.campaign
    }

    /// Campaigns in order of creation, one more than `limit` when there are more.
    func list(
        of client: ClientID, status: CampaignStatus?, page: PageRequest
    ) async throws -> [Campaign] {
        let after = page.cursor.flatMap { CampaignID($0) }
        return try await postgres.query(
            """
            \(Self.select) and r.revision = c.revision
            where c.client_id = \(client)
            and (\(status?.rawValue)::text is null or c.status = \(status?.rawValue)::text)
            and (\(after)::uuid is null or c.campaign_id > \(after)::uuid)
            order by c.campaign_id limit \(page.limit + 1)
            """, as: CampaignRow.self
        ).map(\.campaign)
    }

    func revisions(
        _ campaign: CampaignID, of client: ClientID, page: PageRequest
    ) async throws -> [Campaign] {
        let after = page.cursor.flatMap { Int($0) } ?? 0
        return try await postgres.query(
            """
            \(Self.select) where c.client_id = \(client) and c.campaign_id = \(campaign)
            and r.revision > \(after)
            order by r.revision limit \(page.limit + 1)
            """, as: CampaignRow.self
        ).map(\.campaign)
    }

    /// Campaigns whose end has come by their client's business clock.
    func ended(
        at now: Timestamp, limit: Int
    ) async throws -> [(client: ClientID, campaign: CampaignID)] {
        let rows = try await postgres.query(
            """
            select c.client_id, c.campaign_id from campaign c
            left join client_clock k on k.client_id = c.client_id
            where c.status in ('active', 'paused')
            and c.ends_at <= \(now) + coalesce(k.offset_milliseconds, 0) * interval '1 millisecond'
            order by c.ends_at limit \(limit)
            """)
        return try rows.map { (try $0.get("client_id"), try $0.get("campaign_id")) }
    }

    // MARK: - Writing, in the caller's transaction

    func create(
        _ definition: CampaignDefinition, author: String, at now: Timestamp,
        in transaction: Transaction
    ) async throws -> Campaign {
        _ = try await transaction.pipeline([
            """
            insert into campaign (
                client_id, campaign_id, status, revision, name, pulse, starts_at, ends_at,
                created_at, updated_at)
            values (
                \(definition.clientID), \(definition.campaignID), \(definition.status.rawValue),
                \(Int32(definition.revision)), \(definition.name), \(definition.pulse.rawValue),
                \(definition.startsAt), \(definition.endsAt), \(now), \(now))
            """,
            try Self.insertRevision(definition, author: author, at: now),
        ])
        return try await record(
            definition, from: nil, actor: author, createdAt: now, activatedAt: nil, at: now,
            in: transaction)
    }

    /// Locks the campaign and moves it one step. Throws `CampaignFailure`.
    func move(
        _ campaign: CampaignID, of client: ClientID, _ action: CampaignAction, actor: String,
        at now: Timestamp, businessNow: Timestamp, in transaction: Transaction
    ) async throws -> Campaign {
        let current = try await lock(campaign, of: client, in: transaction)
        let old = current.definition
        guard let status = CampaignLifecycle.status(after: action, in: old.status) else {
            throw CampaignFailure.notPossible(action, in: old.status)
        }
        if action == .activate, let endsAt = old.endsAt, endsAt <= businessNow {
            throw CampaignFailure.periodOver(endsAt)
        }
        let activatedAt = action == .activate ? now : current.activatedAt
        _ = try await transaction.execute(
            """
            update campaign
            set status = \(status.rawValue), updated_at = \(now), activated_at = \(activatedAt)
            where client_id = \(client) and campaign_id = \(campaign)
            """)
        return try await record(
            old.with(status: status), from: old.status, actor: actor,
            createdAt: current.createdAt, activatedAt: activatedAt, at: now, in: transaction)
    }

    /// Locks the campaign and puts a new revision in force. Throws `CampaignFailure`.
    func revise(
        _ campaign: CampaignID, of client: ClientID, expected: Int?, content: CampaignContent,
        author: String, at now: Timestamp, in transaction: Transaction
    ) async throws -> Campaign {
        let current = try await lock(campaign, of: client, in: transaction)
        let old = current.definition
        guard CampaignLifecycle.isEditable(old.status) else {
            throw CampaignFailure.notEditable(old.status)
        }
        guard expected == nil || expected == old.revision else {
            throw CampaignFailure.otherRevision(inForce: old.revision)
        }
        // What others have run under one pulse cannot become another.
        guard old.status == .draft || content.pulse == old.pulse else {
            throw CampaignFailure.otherPulse(old.pulse)
        }
        let new = content.definition(
            campaign, of: client, revision: old.revision + 1, status: old.status)
        _ = try await transaction.pipeline([
            try Self.insertRevision(new, author: author, at: now),
            """
            update campaign
            set revision = \(Int32(new.revision)), name = \(new.name),
                pulse = \(new.pulse.rawValue),
                starts_at = \(new.startsAt), ends_at = \(new.endsAt), updated_at = \(now)
            where client_id = \(client) and campaign_id = \(campaign)
            """,
        ])
        return try await record(
            new, from: old.status, actor: author, createdAt: current.createdAt,
            activatedAt: current.activatedAt, at: now, in: transaction)
    }

    private func lock(
        _ campaign: CampaignID, of client: ClientID, in transaction: Transaction
    ) async throws -> Campaign {
        let row = try await transaction.queryOne(
            """
            \(Self.select) and r.revision = c.revision
            where c.client_id = \(client) and c.campaign_id = \(campaign)
            for update of c
            """, as: CampaignRow.self)
        guard let row else { throw CampaignFailure.notFound }
        return row.campaign
    }

    /// Writes the history row, whose number is the campaign's version.
    private func record(
        _ definition: CampaignDefinition, from: CampaignStatus?, actor: String,
        createdAt: Timestamp, activatedAt: Timestamp?, at now: Timestamp,
        in transaction: Transaction
    ) async throws -> Campaign {
        let row = try await transaction.queryOne(
            """
            insert into campaign_history (
                client_id, campaign_id, sequence, from_status, to_status, revision, actor, at)
            select \(definition.clientID), \(definition.campaignID), count(*) + 1,
                \(from?.rawValue)::text, \(definition.status.rawValue)::text,
                \(Int32(definition.revision)), \(actor)::text, \(now)
            from campaign_history
            where client_id = \(definition.clientID) and campaign_id = \(definition.campaignID)
            returning sequence
            """)
        let version: Int32 = try row?.get("sequence") ?? 1
        return Campaign(
            definition: definition, version: Int(version), createdAt: createdAt, updatedAt: now,
            activatedAt: activatedAt)
    }

    private static func insertRevision(
        _ definition: CampaignDefinition, author: String, at now: Timestamp
    ) throws -> SQL {
        """
        insert into campaign_revision (
            client_id, campaign_id, revision, definition, author, created_at)
        values (
            \(definition.clientID), \(definition.campaignID), \(Int32(definition.revision)),
            \(JSONB(try JSONCoding.encode(definition))), \(author), \(now))
        """
    }

    private static let select: SQL = """
        select c.status, c.created_at, c.updated_at, c.activated_at, r.definition,
            (select count(*) from campaign_history h
                where h.client_id = c.client_id and h.campaign_id = c.campaign_id) as version
        from campaign c
        join campaign_revision r on r.client_id = c.client_id and r.campaign_id = c.campaign_id
        """
}

/// A row of the query above.
private struct CampaignRow: RowDecodable {
    let campaign: Campaign

    init(row: Row) throws(PostgresError) {
        let stored: JSONB = try row.get("definition")
        let status: CampaignStatus = try row.get("status")
        let definition: CampaignDefinition
        do {
            definition = try JSONCoding.decode(
                CampaignDefinition.self, from: stored.bytes, strictness: .lenient)
        } catch {
            throw PostgresError.unreadable("a stored campaign definition")
        }
        campaign = Campaign(
            definition: definition.with(status: status), version: try row.get("version"),
            createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"),
            activatedAt: try row.get("activated_at"))
    }
}

extension CampaignDefinition {
    /// The same definition in another state.
    fileprivate func with(status: CampaignStatus) -> CampaignDefinition {
        CampaignDefinition(
            campaignID: campaignID, clientID: clientID, revision: revision, name: name,
            pulse: pulse, status: status, triggers: triggers, startsAt: startsAt, endsAt: endsAt,
            eligibility: eligibility, rewardRules: rewardRules, limits: limits, budget: budget,
            referral: referral, notifications: notifications)
    }
}
