import Contracts
import Kernel
import PostgresKit
import Synchronization

/// How campaigns stand now, for runs that ask before each effect.
///
/// In the replica that applies a campaign's message the answer is exact: from its transaction's
/// begin to its end everybody asks the database, and then nobody knows the old answer any more.
/// In other replicas an answer is at most a second old.
final class CampaignStatuses: Sendable {
    private static let maximumAge = Duration.seconds(1)
    private static let capacity = 10_000

    private struct Key: Hashable {
        let clientID: ClientID
        let campaignID: CampaignID
    }

    private struct Answer {
        let status: CampaignStatus?
        /// Before it was asked for.
        let askedAt: ContinuousClock.Instant
    }

    private struct State {
        var answers: [Key: Answer] = [:]
        /// How many transactions are changing a campaign.
        var changing: [Key: Int] = [:]
        /// Grows with each begin and end of such; an answer from before it is not kept.
        var changes = 0
    }

    private let campaigns: CampaignStore
    private let state = Mutex(State())

    init(campaigns: CampaignStore) {
        self.campaigns = campaigns
    }

    /// Nil when nothing was told of the campaign.
    func status(
        of campaign: CampaignID, client: ClientID
    ) async throws(PostgresError) -> CampaignStatus? {
        let key = Key(clientID: client, campaignID: campaign)
        let now = ContinuousClock.now
        let (known, changes) = state.withLock { state in
            (state.changing[key] == nil ? state.answers[key] : nil, state.changes)
        }
        if let known, now - known.askedAt < Self.maximumAge { return known.status }
        let status = try await campaigns.status(of: campaign, client: client)
        state.withLock { state in
            guard state.changes == changes, state.changing[key] == nil else { return }
            if state.answers.count >= Self.capacity { state.answers = [:] }
            state.answers[key] = Answer(status: status, askedAt: now)
        }
        return status
    }

    /// The transaction changes the campaign, before it does.
    func willChange(
        _ campaign: CampaignID, of client: ClientID, in transaction: Transaction
    ) {
        let key = Key(clientID: client, campaignID: campaign)
        state.withLock { state in
            state.changes += 1
            state.answers[key] = nil
            state.changing[key, default: 0] += 1
        }
        transaction.whenOver { [self] _ in
            state.withLock { state in
                state.changes += 1
                let others = (state.changing[key] ?? 1) - 1
                state.changing[key] = others > 0 ? others : nil
            }
        }
    }
}
