import Contracts
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import WorkflowService

/// What runs are told of campaigns while these change.
@Suite(.timeLimit(.minutes(1))) struct CampaignStatusesTests {
    private struct Refusal: Error {}

    @Test func `who asks after a change has committed hears of it, and nobody before`() async throws
    {
        try await TestPostgres.shared().withDatabase(WorkflowService.migrations) { database in
            let postgres = database.client()
            let store = CampaignStore(postgres: postgres)
            let (statuses, shop) = (CampaignStatuses(campaigns: store), Shop())
            func told() async throws -> CampaignStatus? {
                try await statuses.status(of: shop.campaignID, client: shop.clientID)
            }
            func change(to status: CampaignStatus, refuse: Bool = false) async throws {
                try await postgres.withTransaction { transaction in
                    statuses.willChange(shop.campaignID, of: shop.clientID, in: transaction)
                    try await store.put(
                        shop.campaign(status), at: LogPosition(shard: 0, position: 1),
                        in: transaction)
                    let before = try await told()
                    #expect(before != status)
                    if refuse { throw Refusal() }
                }
            }
            #expect(try await told() == nil)
            try await change(to: .active)
            #expect(try await told() == .active)
            try await change(to: .paused)
            #expect(try await told() == .paused)
            await #expect(throws: Refusal.self) {
                try await change(to: .active, refuse: true)
            }
            #expect(try await told() == .paused)
            await postgres.shutdown()
        }
    }

    @Test func `a change that another replica applied is heard of soon`() async throws {
        try await TestPostgres.shared().withDatabase(WorkflowService.migrations) { database in
            let postgres = database.client()
            let store = CampaignStore(postgres: postgres)
            let (statuses, shop) = (CampaignStatuses(campaigns: store), Shop())
            try await postgres.withTransaction { transaction in
                try await store.put(
                    shop.campaign(), at: LogPosition(shard: 0, position: 1), in: transaction)
            }
            _ = try await statuses.status(of: shop.campaignID, client: shop.clientID)
            // Whatever another replica does is heard of in the end.
            try await postgres.execute("update campaign_definition set status = 'paused'")
            try await eventually("the pause is heard of") {
                try await statuses.status(of: shop.campaignID, client: shop.clientID) == .paused
            }
            await postgres.shutdown()
        }
    }
}
