import Contracts
import Kernel
import PostgresKit

/// Gives rewards so that attempts on one campaign which arrive together share a transaction.
///
/// All of a campaign's rewards change the same budget account, so one transaction per attempt would
/// queue behind each other's commit. One batch per campaign and revision is under way at a time;
/// what arrives meanwhile goes into the next, and a lone attempt pays no delay. A batch that cannot
/// be given as a whole is given one by one.
actor Allocator {
    private struct LaneKey: Hashable {
        let clientID: ClientID
        let campaignID: CampaignID
        let revision: Int
    }

    private struct Submission {
        let grant: Grant
        let reply: CheckedContinuation<AllocateRewardResponse, any Error>
    }

    private static let maximumWaiting = 10_000

    private let rewards: AllocationStore
    private let refusals: RefusalStore
    private let batchLimit: Int
    private let batches: Histogram
    private let outcomes: @Sendable (AllocateRewardResponse.Outcome) -> Counter
    private var lanes: [LaneKey: [Submission]] = [:]
    private var waiting = 0

    /// - Parameter batchLimit: the most attempts in one transaction.
    init(rewards: AllocationStore, refusals: RefusalStore, batchLimit: Int, telemetry: Telemetry) {
        self.rewards = rewards
        self.refusals = refusals
        self.batchLimit = batchLimit
        batches = telemetry.metrics.histogram(
            "grapevine_reward_allocation_batch_seconds", help: "Time to commit one batch.")
        outcomes = { outcome in
            telemetry.metrics.counter(
                "grapevine_reward_allocations_total", help: "Attempts to give a reward.",
                [("outcome", outcome.rawValue)])
        }
    }

    /// Gives the reward or tells why not. A repeat of the same attempt has the same outcome.
    ///
    /// Throws `RewardFailure.overloaded` when too much waits already, and what the database throws.
    func allocate(_ grant: Grant, limits: CampaignLimits) async throws -> AllocateRewardResponse {
        guard waiting < Self.maximumWaiting else { throw RewardFailure.overloaded }
        waiting += 1
        let key = LaneKey(
            clientID: grant.clientID, campaignID: grant.campaignID, revision: grant.revision)
        let response = try await withCheckedThrowingContinuation { reply in
            let submission = Submission(grant: grant, reply: reply)
            guard lanes[key] == nil else {
                lanes[key]?.append(submission)
                return
            }
            lanes[key] = [submission]
            Task { await work(key, limits: limits) }
        }
        outcomes(response.outcome).increment()
        return response
    }

    /// Works until the lane is empty, then removes it.
    private func work(_ key: LaneKey, limits: CampaignLimits) async {
        while let submissions = lanes[key], !submissions.isEmpty {
            let batch = Array(submissions.prefix(batchLimit))
            lanes[key]?.removeFirst(batch.count)
            let begin = ContinuousClock.now
            let results = await results(batch.map(\.grant), limits: limits)
            batches.observe(begin.duration(to: .now))
            waiting -= batch.count
            for (submission, result) in zip(batch, results) {
                submission.reply.resume(with: result)
            }
        }
        lanes[key] = nil
    }

    private func results(
        _ grants: [Grant], limits: CampaignLimits
    ) async -> [Result<AllocateRewardResponse, any Error>] {
        do {
            let given = try await rewards.give(grants, limits: limits)
            return try await answers(grants, given: given)
        } catch {
            if grants.count == 1, let reason = error as? RefusalReason {
                return [await refuse(grants[0], reason)]
            }
            guard grants.count > 1, Self.isAboutOne(error) else {
                return grants.map { _ in .failure(error) }
            }
            var results: [Result<AllocateRewardResponse, any Error>] = []
            for grant in grants { results += await self.results([grant], limits: limits) }
            return results
        }
    }

    /// Whether the others of the batch may do better without the one that is in the way.
    private static func isAboutOne(_ error: any Error) -> Bool {
        if error is RefusalReason { return true }
        guard let error = error as? PostgresError else { return false }
        return [.checkViolation, .invalidValue, .encoding].contains(error.code)
    }

    /// Answers attempts of which some were given; the others have an outcome from before.
    private func answers(
        _ grants: [Grant], given: Set<RewardID>
    ) async throws -> [Result<AllocateRewardResponse, any Error>] {
        let others = grants.filter { !given.contains($0.rewardID) }
        var known = others.isEmpty ? [][...] : try await refusals.outcomes(others)[...]
        var results: [Result<AllocateRewardResponse, any Error>] = []
        for grant in grants {
            if given.contains(grant.rewardID) {
                results.append(.success(.allocated(grant)))
            } else if case .notEligible? = known.first {
                results.append(await refuse(grant, .notEligible))
                known.removeFirst()
            } else {
                results.append(Self.answer(known.popFirst() ?? .open))
            }
        }
        return results
    }

    private func refuse(
        _ grant: Grant, _ reason: RefusalReason
    ) async -> Result<AllocateRewardResponse, any Error> {
        do {
            try await refusals.refuse(grant, reason)
            return Self.answer(try await refusals.outcomes([grant]).first ?? .open)
        } catch {
            return .failure(error)
        }
    }

    private static func answer(
        _ outcome: GrantOutcome
    ) -> Result<AllocateRewardResponse, any Error> {
        switch outcome {
        case .rewarded(let reward):
            .success(AllocateRewardResponse(outcome: .existing, reward: reward, reason: nil))
        case .refused(let reason):
            .success(AllocateRewardResponse(outcome: .refused, reward: nil, reason: reason))
        case .mismatch: .failure(RewardFailure.decisionMismatch)
        case .notEligible, .open: .failure(RewardFailure.changedMeanwhile)
        }
    }
}

extension AllocateRewardResponse {
    fileprivate static func allocated(_ grant: Grant) -> AllocateRewardResponse {
        AllocateRewardResponse(
            outcome: .allocated, reward: grant.summary(grant.path.last ?? .earned), reason: nil)
    }
}
