import Contracts
import Kernel
import Synchronization

/// Remembers revisions of campaigns, which never change, so that a click reads none.
final class DefinitionCache: Sendable {
    private struct Key: Hashable {
        let clientID: ClientID
        let campaignID: CampaignID
        let revision: Int
    }

    private static let capacity = 1000

    private let store: CampaignStore
    private let known = Mutex<[Key: CampaignDefinition]>([:])

    init(store: CampaignStore) {
        self.store = store
    }

    /// The revision. Throws `ReferralFailure.campaignUnknown` when nothing told of it.
    ///
    /// Its status is that of when it was told; ask the store for the one in force.
    func definition(
        _ campaign: CampaignID, revision: Int, of client: ClientID
    ) async throws -> CampaignDefinition {
        let key = Key(clientID: client, campaignID: campaign, revision: revision)
        if let known = known.withLock({ $0[key] }) { return known }
        guard
            let found = try await store.definition(campaign, revision: revision, of: client)
        else { throw ReferralFailure.campaignUnknown }
        known.withLock { known in
            // Any one may go: those in use come back at once.
            if known.count >= Self.capacity, let some = known.keys.first { known[some] = nil }
            known[key] = found
        }
        return found
    }
}
