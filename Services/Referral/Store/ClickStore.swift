import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// A click that is about to be recorded.
struct NewClick: Sendable {
    let clickID: ClickID
    let link: LinkRow
    /// By the client's business clock.
    let clickedAt: Timestamp
    let userAgentHash: [UInt8]
    let addressHash: [UInt8]
    let destination: String
}

/// Keeps clicks.
struct ClickStore: Sendable {
    let postgres: PostgresClient
    let outbox: Outbox
    let messages: ReferralMessages
    let world: World

    /// Records the click and tells of it, both or neither.
    func record(_ click: NewClick) async throws {
        let link = click.link
        let message = try messages.message(
            ReferralMessage.clicked, link.activity(clickID: click.clickID), of: link.clientID,
            campaign: link.campaignID, subject: click.clickID.description, at: click.clickedAt)
        world.faults.reach(ReferralCrashPoint.clickBeforeCommit)
        try await outbox.write(
            [
                """
                insert into referral_click (client_id, click_id, link_id, clicked_at,
                    user_agent_hash, address_hash, destination)
                values (\(link.clientID), \(click.clickID), \(link.linkID), \(click.clickedAt),
                    \(click.userAgentHash), \(click.addressHash), \(click.destination))
                """
            ], telling: [message])
        world.faults.reach(ReferralCrashPoint.clickAfterCommit)
    }

    /// Deletes clicks from before an instant, a thousand at a time. Returns how many.
    func delete(before limit: Timestamp, atMost batch: Int) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from referral_click where (client_id, click_id) in (
                select client_id, click_id from referral_click
                where clicked_at < \(limit) order by clicked_at limit \(batch))
            """)
    }
}
