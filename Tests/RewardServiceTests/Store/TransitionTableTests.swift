import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import RewardService

@Suite(.timeLimit(.minutes(2))) struct TransitionTableTests {
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)

    /// Makes a reward that went the way to a status, statement by statement.
    private func make(_ status: RewardStatus, _ client: PostgresClient) async throws -> RewardID {
        let id = RewardID(UUID())
        try await client.execute(
            """
            insert into reward (
                reward_id, client_id, campaign_id, campaign_revision, rule_id, participant_id,
                role, subject, amount, asset, decision_id, status, status_actor, status_reason,
                status_at, created_at)
            values (\(id), \(UUID()), \(UUID()), 1, 'welcome', \(UUID()), 'participant', 's', 1,
                'USD', \(UUID()), 'earned', 'test', 'test', \(now), \(now))
            """)
        for step in Self.path(to: status) { try await move(id, to: step, client) }
        return id
    }

    private func move(
        _ id: RewardID, to status: RewardStatus, _ client: PostgresClient
    ) async throws {
        try await client.execute("update reward set status = \(status) where reward_id = \(id)")
    }

    private static func path(to status: RewardStatus) -> [RewardStatus] {
        switch status {
        case .earned: []
        case .pending: [.pending]
        case .eligible: [.pending, .eligible]
        case .approved: [.pending, .eligible, .approved]
        case .fulfilled: path(to: .approved) + [.fulfilled]
        case .redeemed: path(to: .fulfilled) + [.redeemed]
        case .rejected: [.pending, .rejected]
        case .expired: [.pending, .eligible, .expired]
        case .failed: path(to: .approved) + [.failed]
        case .reversed: path(to: .approved) + [.reversed]
        }
    }

    @Test func `the database allows exactly the moves that the rules allow`() async throws {
        try await TestPostgres.shared().withDatabase(RewardService.migrations) { database in
            let client = database.client()
            for from in RewardStatus.allCases {
                for to in RewardStatus.allCases where to != from {
                    let id = try await make(from, client)
                    var refusal: String?
                    do {
                        try await move(id, to: to, client)
                    } catch let error as PostgresError {
                        refusal = error.sqlState
                    }
                    let wanted = RewardTransition.isLegal(from, to) ? nil : "GV001"
                    #expect(refusal == wanted, "\(from.rawValue) to \(to.rawValue)")
                }
            }
            await client.shutdown()
        }
    }

    /// Inserts a reward in a status, together with the lines of its history.
    private func insert(
        _ status: RewardStatus, lines: [(Int32, String?, String)], _ client: PostgresClient
    ) async throws {
        let id = RewardID(UUID())
        try await client.execute(
            """
            with given as (
                insert into reward (
                    reward_id, client_id, campaign_id, campaign_revision, rule_id, participant_id,
                    role, subject, amount, asset, decision_id, status, status_actor,
                    status_reason, status_at, created_at)
                values (\(id), \(UUID()), \(UUID()), 1, 'welcome', \(UUID()), 'participant', 's',
                    1, 'USD', \(UUID()), \(status), 'test', 'test', \(now), \(now))
            )
            insert into reward_history (
                reward_id, sequence, client_id, from_status, to_status, actor, reason, at)
            select \(id), sequence, \(UUID()), from_status, to_status, 'test', 'test', \(now)
            from unnest(
                \(lines.map(\.0))::integer[], \(lines.map(\.1))::text[],
                \(lines.map(\.2))::text[]) as line (sequence, from_status, to_status)
            """)
    }

    @Test func `a reward may come with its history, and only with all of it and legal`()
        async throws
    {
        try await TestPostgres.shared().withDatabase(RewardService.migrations) { database in
            let client = database.client()
            let way: [(Int32, String?, String)] = [
                (1, nil, "earned"), (2, "earned", "pending"), (3, "pending", "eligible"),
                (4, "eligible", "approved"), (5, "approved", "fulfilled"),
            ]
            try await insert(.fulfilled, lines: way, client)
            let wrong: [(RewardStatus, [(Int32, String?, String)])] = [
                (.fulfilled, []),
                (.fulfilled, Array(way.prefix(4))),
                (.approved, way),
                (.fulfilled, Array(way.dropFirst())),
                (.approved, [way[0], (2, "earned", "approved")]),
                (.approved, [way[0], (2, "eligible", "approved")]),
                (.eligible, [way[0], way[1], (4, "pending", "eligible")]),
                (.pending, [(1, "earned", "pending")]),
                (.pending, [(0, nil, "earned"), (1, nil, "earned"), (2, "earned", "pending")]),
            ]
            for (status, lines) in wrong {
                var refusal: String?
                do {
                    try await insert(status, lines: lines, client)
                } catch let error as PostgresError {
                    refusal = error.sqlState
                }
                #expect(refusal == "GV001", "\(status.rawValue) by \(lines)")
            }
            for statement: SQL in [
                "delete from reward", "truncate reward cascade",
                "update reward set reward_id = gen_random_uuid()",
            ] {
                await #expect(throws: PostgresError.self) { try await client.execute(statement) }
            }
            await client.shutdown()
        }
    }

    @Test func `a reward begins as earned and every move leaves a line`() async throws {
        try await TestPostgres.shared().withDatabase(RewardService.migrations) { database in
            let client = database.client()
            let id = try await make(.fulfilled, client)
            let steps = try await client.query(
                """
                select from_status, to_status, actor, reason, at from reward_history
                where reward_id = \(id) order by sequence
                """, as: RewardStep.self)
            #expect(steps.map(\.to) == [.earned, .pending, .eligible, .approved, .fulfilled])
            #expect(steps.map(\.from) == [nil, .earned, .pending, .eligible, .approved])
            await #expect(throws: PostgresError.self) {
                try await client.execute(
                    """
                    insert into reward (
                        reward_id, client_id, campaign_id, campaign_revision, rule_id,
                        participant_id, role, subject, amount, asset, decision_id, status,
                        status_actor, status_reason, status_at, created_at)
                    select \(UUID()), client_id, campaign_id, 1, 'other', participant_id, role,
                        subject, amount, asset, decision_id, 'approved', status_actor,
                        status_reason, status_at, created_at
                    from reward where reward_id = \(id)
                    """)
            }
            await client.shutdown()
        }
    }
}
