import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// A check that is to be decided once.
struct CheckCall: Sendable {
    let campaign: CampaignDefinition
    let participantID: ParticipantID
    let subject: String
    let event: JSONValue
    /// How far the participant must be known, as the caller said.
    let position: String?
    /// Who asks, so that each asking has one decision.
    let requestKey: String

    var clientID: ClientID { campaign.clientID }
}

/// Decides checks so that those of one client which arrive together share their statements and
/// their question to client-service.
struct Checking: Sendable {
    /// Clients whose checks are decided at the same time: one that waits for client-service is not
    /// to hold up the others.
    private static let clientsAtOnce = 16
    private static let checksAtOnce = 50

    private let queue: LaneQueue<ClientID, CheckCall, EligibilityDecision>

    init(
        campaigns: CampaignStore, decisions: DecisionStore, profiles: ProfileLookUp, world: World
    ) {
        let batch = CheckBatch(
            postgres: decisions.postgres, campaigns: campaigns, decisions: decisions,
            profiles: profiles, world: world)
        queue = LaneQueue(
            .init(running: Self.clientsAtOnce, batch: Self.checksAtOnce, lanes: 1),
            perform: batch.decide)
    }

    /// The decision, stored. The same key gives the stored one again.
    ///
    /// Throws `RewardFailure.keyReused` when the key's decision is about something else, and
    /// `PeerError` while client-service cannot tell of the participant.
    func decide(_ call: CheckCall) async throws -> EligibilityDecision {
        try await queue.answer(call, in: call.clientID)
    }
}

/// Decides checks of one client together.
private struct CheckBatch: Sendable {
    let postgres: PostgresClient
    let campaigns: CampaignStore
    let decisions: DecisionStore
    let profiles: ProfileLookUp
    let world: World

    func decide(_ calls: [CheckCall]) async -> [Result<EligibilityDecision, any Error>] {
        do {
            let answers = try await postgres.pipeline([
                LedgerWriting.byKey, DecisionStore.question(calls), campaigns.question(calls),
            ])
            let known = try DecisionStore.found(answers[1], of: calls.count)
            let standings = try CampaignStore.standings(answers[2], of: calls)
            let open = calls.indices.filter { known[$0] == nil }
            let made = try await make(open.map { (calls[$0], standings[$0]) })
            var results = zip(calls, known).map { call, stored in
                Result { () throws -> EligibilityDecision in
                    guard let stored else { throw RewardFailure.changedMeanwhile }
                    return try stored.decision(for: call)
                }
            }
            for (place, result) in zip(open, made) { results[place] = result }
            return results
        } catch let error as PostgresError where calls.count > 1 && error.isAboutValues {
            // One has what cannot be kept; the others are not to suffer from it.
            var results: [Result<EligibilityDecision, any Error>] = []
            for call in calls { results += await decide([call]) }
            return results
        } catch {
            return calls.map { _ in .failure(error) }
        }
    }

    /// Makes and stores decisions for calls that have none.
    private func make(
        _ open: [(call: CheckCall, standing: CampaignStanding?)]
    ) async throws -> [Result<EligibilityDecision, any Error>] {
        if open.isEmpty { return [] }
        let calls = open.map(\.call)
        let profiles = await profiles.find(calls)
        world.faults.reach(RewardCrashPoint.checkAfterLookUp)
        let made = zip(open, profiles).map { asked, profile in
            Result { () throws -> NewDecision in
                guard let standing = asked.standing else {
                    throw RewardFailure.campaignUnknown(asked.call.campaign.campaignID)
                }
                return NewDecision(
                    id: world.ids.next(), call: asked.call,
                    verdict: Assessment.judge(standing, try profile.get(), asked.call.event))
            }
        }
        return try await store(made, calls)
    }

    private func store(
        _ made: [Result<NewDecision, any Error>], _ calls: [CheckCall]
    ) async throws -> [Result<EligibilityDecision, any Error>] {
        let new = made.compactMap { try? $0.get() }
        let inserted = try await decisions.insert(new)
        if !inserted.isEmpty { world.faults.reach(RewardCrashPoint.checkAfterCommit) }
        // Where a twin was first, its decision counts.
        let late = inserted.count < new.count ? try await decisions.find(calls) : []
        return made.indices.map { place in
            made[place].flatMap { new in
                Result { () throws -> EligibilityDecision in
                    if inserted.contains(new.id) { return new.decision }
                    guard let stored = late[place] else { throw RewardFailure.changedMeanwhile }
                    return try stored.decision(for: calls[place])
                }
            }
        }
    }
}

extension StoredDecision {
    /// The decision, if it is about what the call asks.
    fileprivate func decision(for call: CheckCall) throws(RewardFailure) -> EligibilityDecision {
        guard campaignID == call.campaign.campaignID, subject == call.subject,
            participantID == call.participantID,
            decision.campaignRevision == call.campaign.revision
        else { throw .keyReused }
        return decision
    }
}
