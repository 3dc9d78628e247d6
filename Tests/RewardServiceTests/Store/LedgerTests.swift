import FoundationEssentials
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import RewardService

@Suite(.timeLimit(.minutes(2))) struct LedgerTests {
    private let client = ClientID(UUID())
    private let campaign = CampaignID(UUID())
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)
    private let ids = SystemIDGenerator()
    private let asset: Asset

    init() throws {
        asset = try #require(Asset("PT"))
    }

    private var treasury: LedgerAccountKey { .treasury(client, asset) }
    private var budget: LedgerAccountKey { .budget(campaign, asset) }
    private var reserve: LedgerAccountKey { .reserve(campaign, asset) }

    private func withLedger(_ body: (PostgresClient) async throws -> Void) async throws {
        try await TestPostgres.shared().withDatabase(RewardService.migrations) { database in
            let postgres = database.client()
            try await postgres.execute(
                LedgerWriting.open(
                    [treasury, budget, reserve].map {
                        LedgerAccountName(clientID: client, key: $0)
                    }, at: now, ids: ids))
            try await body(postgres)
            await postgres.shutdown()
        }
    }

    private func posting(
        _ kind: LedgerLeg.Kind, _ debit: LedgerAccountKey, _ credit: LedgerAccountKey,
        _ units: Int128, id: UUID = UUID(), resolves: UUID? = nil
    ) throws -> LedgerPosting {
        LedgerPosting(
            clientID: client, transferID: id, chainID: UUID(),
            leg: LedgerLeg(
                kind: kind, debit: debit, credit: credit,
                amount: try Amount(units: units, asset: asset), reason: .rewardReserve),
            rewardID: nil, resolves: resolves, at: now)
    }

    private func post(_ postings: [LedgerPosting], _ postgres: PostgresClient) async throws {
        let count = try await postgres.execute(LedgerWriting.post(postings))
        #expect(count == postings.count)
    }

    private func counters(
        _ key: LedgerAccountKey, _ postgres: PostgresClient
    ) async throws -> [Int128] {
        let accounts = try await LedgerStore(postgres: postgres).accounts(
            of: [key.owner], after: nil, limit: 10, client: client)
        let account = try #require(accounts.first { $0.kind == key.kind })
        return [
            account.debitsPending, account.debitsPosted, account.creditsPending,
            account.creditsPosted,
        ]
    }

    @Test func `a reservation counts against its account until it is resolved`() async throws {
        try await withLedger { postgres in
            let (held, returned) = (UUID(), UUID())
            try await post([try posting(.posted, treasury, budget, 100)], postgres)
            try await post(
                [
                    try posting(.pending, budget, reserve, 60, id: held),
                    try posting(.pending, budget, reserve, 40, id: returned),
                ], postgres)
            #expect(try await counters(budget, postgres) == [100, 0, 0, 100])
            #expect(try await counters(reserve, postgres) == [0, 0, 100, 0])
            try await post(
                [
                    try posting(.postReservation, budget, reserve, 60, resolves: held),
                    try posting(.voidReservation, budget, reserve, 40, resolves: returned),
                ], postgres)
            #expect(try await counters(budget, postgres) == [0, 60, 0, 100])
            #expect(try await counters(reserve, postgres) == [0, 0, 0, 60])
            #expect(try await LedgerAudit(postgres: postgres).findings(of: client) == [])
        }
    }

    @Test func `an account gives no more than it holds, whatever arrives together`() async throws {
        try await withLedger { postgres in
            try await post([try posting(.posted, treasury, budget, 25)], postgres)
            let given = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<60 {
                    let one = try posting(.posted, budget, reserve, 1)
                    group.addTask {
                        do {
                            try await post([one], postgres)
                            return true
                        } catch let error as PostgresError where error.isOverdraft {
                            return false
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(given == 25)
            #expect(try await LedgerAudit(postgres: postgres).findings(of: client) == [])
        }
    }

    @Test func `a reservation is resolved once, wholly, and by its own accounts`() async throws {
        try await withLedger { postgres in
            let held = UUID()
            try await post([try posting(.posted, treasury, budget, 100)], postgres)
            try await post([try posting(.pending, budget, reserve, 60, id: held)], postgres)
            let wrong = [
                try posting(.postReservation, budget, reserve, 59, resolves: held),
                try posting(.postReservation, reserve, budget, 60, resolves: held),
                try posting(.postReservation, budget, reserve, 60, resolves: UUID()),
            ]
            for posting in wrong {
                await #expect(throws: PostgresError.self) { try await post([posting], postgres) }
            }
            try await post(
                [try posting(.voidReservation, budget, reserve, 60, resolves: held)], postgres)
            await #expect(throws: PostgresError.self) {
                try await post(
                    [try posting(.postReservation, budget, reserve, 60, resolves: held)], postgres)
            }
            #expect(try await LedgerAudit(postgres: postgres).findings(of: client) == [])
        }
    }

    @Test func `a transfer is between two accounts of its own client and asset`() async throws {
        try await withLedger { postgres in
            try await post([try posting(.posted, treasury, budget, 100)], postgres)
            await #expect(throws: PostgresError.self) {
                try await post(
                    [try posting(.posted, budget, .budget(CampaignID(UUID()), asset), 1)],
                    postgres)
            }
            let other = ClientID(UUID())
            try await postgres.execute(
                LedgerWriting.open(
                    [LedgerAccountName(clientID: other, key: .treasury(other, asset))], at: now,
                    ids: ids))
            for (client, asset, code) in [
                (client, "PT", nil), (other, "PT", "GV004"), (client, "USD", "GV004"),
            ] as [(ClientID, String, String?)] {
                var refusal: String?
                do {
                    try await postgres.execute(
                        """
                        insert into ledger_transfer (
                            transfer_id, client_id, chain_id, debit_account_id, credit_account_id,
                            asset, amount, kind, reason, created_at)
                        select \(UUID()), \(client), \(UUID()), debit.account_id,
                            credit.account_id, \(asset), 1, 'posted', 'test', \(now)
                        from ledger_account debit, ledger_account credit
                        where debit.kind = 'campaign_budget' and credit.kind = 'campaign_reserve'
                        """)
                } catch let error as PostgresError {
                    refusal = error.sqlState
                }
                #expect(refusal == code)
            }
            for statement: SQL in [
                "delete from ledger_account", "truncate ledger_account cascade",
                "update ledger_account set asset = 'USD'",
            ] {
                await #expect(throws: PostgresError.self) { try await postgres.execute(statement) }
            }
            #expect(try await LedgerAudit(postgres: postgres).findings(of: client) == [])
        }
    }

    @Test func `transfers are never changed, and the audit sees counters that were`() async throws {
        try await withLedger { postgres in
            try await post([try posting(.posted, treasury, budget, 100)], postgres)
            for statement: SQL in [
                "update ledger_transfer set amount = 1", "delete from ledger_transfer",
                "truncate ledger_transfer cascade",
            ] {
                await #expect(throws: PostgresError.self) { try await postgres.execute(statement) }
            }
            try await postgres.execute(
                "update ledger_account set debits_posted = 1 where kind = 'campaign_budget'")
            let findings = try await LedgerAudit(postgres: postgres).findings(of: client)
            #expect(
                Set(findings.map(\.rule)) == ["debits_equal_credits", "counters_equal_transfers"])
            #expect(try await LedgerAudit(postgres: postgres).findings(of: ClientID(UUID())) == [])
        }
    }
}
