import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import ServiceKit

/// Changes campaigns so that the change and the message that tells of it are one, and so that the
/// caller is answered only when the log has the message.
struct CampaignChanges: Sendable {
    /// How long an answer waits for the log.
    private static let relayLimit: Duration = .seconds(5)

    let store: CampaignStore
    let outbox: Outbox
    let context: ServiceContext

    /// Runs a change once per idempotency key. `message` is the type that tells of it; nil tells
    /// nobody.
    func perform(
        _ request: HTTPRequest, _ principal: PortalPrincipal, status: Int = 200,
        message: @escaping @Sendable (Campaign) -> String?,
        change: @escaping @Sendable (Transaction) async throws -> Campaign
    ) async throws -> HTTPResponse {
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            transaction in
            let campaign = try await change(transaction)
            try await publish(campaign, message(campaign), in: transaction)
            context.world.faults.reach(CampaignCrashPoint.changeBeforeCommit)
            return try StoredResponse.json(
                campaign, status: status,
                headers: ["ETag": "\"\(campaign.definition.revision)\""])
        }
        context.world.faults.reach(CampaignCrashPoint.changeAfterCommit)
        // Also for a repeat: the first answer may have been lost before the log had it.
        let campaign = try answer.stored.decode(Campaign.self)
        if message(campaign) != nil {
            try await outbox.relay([campaign.messageID], within: Self.relayLimit)
        }
        return answer.response
    }

    /// Completes campaigns whose end has come. Safe on every replica: the row's lock decides.
    func completeEnded() async throws {
        let now = context.world.clock.now()
        for (client, campaign) in try await store.ended(at: now, limit: 100) {
            do {
                try await context.postgres.withTransaction { transaction in
                    let completed = try await store.move(
                        campaign, of: client, .complete, actor: "clock", at: now, businessNow: now,
                        in: transaction)
                    try await publish(completed, CampaignMessage.completed, in: transaction)
                }
            } catch CampaignFailure.notPossible {
                // Another replica was first.
            }
        }
    }

    private func publish(
        _ campaign: Campaign, _ type: String?, in transaction: Transaction
    ) async throws {
        guard let type else { return }
        let data = try JSONCoding.parse(try JSONCoding.encode(campaign.definition))
        let message = LogMessage(
            id: campaign.messageID, type: type, clientID: campaign.definition.clientID,
            campaignID: campaign.definition.campaignID, occurredAt: campaign.updatedAt, data: data)
        try await outbox.append([message], in: transaction)
    }
}

/// Where campaign-service may die and everything must still come right.
enum CampaignCrashPoint {
    /// A change and its message are written and not committed.
    static let changeBeforeCommit = CrashPoint("campaign.change", .beforeCommit)
    /// A change is committed; neither the log nor the caller knows.
    static let changeAfterCommit = CrashPoint("campaign.change", .afterCommitBeforeReply)

    static let all =
        [changeBeforeCommit, changeAfterCommit] + MessagingCrashPoints.all(.campaign)
}
