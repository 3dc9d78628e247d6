import Contracts
import Kernel
import PostgresKit

/// Gives rewards so that calls which arrive together share a transaction.
///
/// All rewards of a campaign change its rows, so one transaction per call would queue behind each
/// other's commit. When a transaction fails for a reason that may be one call's, each of its calls
/// gets one of its own.
struct Granting: Sendable {
    /// Two, so that one computes while the other waits for the disk.
    private static let transactionsAtOnce = 2

    private let queue: LaneQueue<CampaignKey, GrantCall, [AllocateRewardResponse]>
    private let outcomes: @Sendable (AllocateRewardResponse.Outcome) -> Counter

    /// - Parameter batchLimit: the rewards after which a transaction takes no further call.
    init(store: GrantStore, batchLimit: Int, telemetry: Telemetry) {
        let batches = telemetry.metrics.histogram(
            "grapevine_reward_allocation_batch_seconds", help: "Time to commit one batch.")
        queue = LaneQueue(
            .init(running: Self.transactionsAtOnce, batch: batchLimit), size: \.grants.count
        ) { calls in
            let begin = ContinuousClock.now
            defer { batches.observe(begin.duration(to: .now)) }
            return await Self.give(calls, store)
        }
        outcomes = { outcome in
            telemetry.metrics.counter(
                "grapevine_reward_allocations_total", help: "Attempts to give a reward.",
                [("outcome", outcome.rawValue)])
        }
    }

    /// Gives the rewards or tells why not. A repeat of the same attempts has the same outcomes.
    ///
    /// Throws `RewardFailure.overloaded` when too much waits already, and what the database throws.
    func give(_ call: GrantCall) async throws -> [AllocateRewardResponse] {
        let responses = try await queue.answer(call, in: call.campaign)
        for response in responses { outcomes(response.outcome).increment() }
        return responses
    }

    private static func give(
        _ calls: [GrantCall], _ store: GrantStore
    ) async -> [Result<[AllocateRewardResponse], any Error>] {
        do {
            return try await store.give(calls).map { result in result.mapError { $0 } }
        } catch {
            guard calls.count > 1, isAboutOne(error) else {
                return calls.map { _ in .failure(failure(of: error)) }
            }
            var results: [Result<[AllocateRewardResponse], any Error>] = []
            for call in calls { results += await give([call], store) }
            return results
        }
    }

    /// Whether the others of the batch may do better without the one that is in the way.
    private static func isAboutOne(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        return error.isMeanwhile || error.isAboutValues
    }

    private static func failure(of error: any Error) -> any Error {
        (error as? PostgresError)?.isMeanwhile == true ? RewardFailure.changedMeanwhile : error
    }
}

extension PostgresError {
    /// Whether a constraint stood in the way of what looked possible under the locks: somebody
    /// changed the rows who does not take them.
    fileprivate var isMeanwhile: Bool { isOverdraft || code == .uniqueViolation }

    /// Whether a value of the statement is in the way.
    var isAboutValues: Bool { code == .invalidValue || code == .encoding }
}
