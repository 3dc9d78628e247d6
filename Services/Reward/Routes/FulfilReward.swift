import Contracts
import Kernel
import PostgresKit
import ServiceKit

/// `POST /internal/rewards/fulfil`: hands an approved reward over; again changes nothing.
struct FulfilReward: Sendable {
    let rewards: RewardStore
    let postgres: PostgresClient
    let faults: any FaultInjector

    func respond(
        _ input: FulfilRewardRequest, _ caller: ServicePrincipal
    ) async throws -> RewardSummary {
        let reward = try await postgres.withTransaction { transaction in
            let reward = try await rewards.move(
                input.rewardID, to: .fulfilled, by: caller.service.executableName,
                because: "automatic", repeats: [.fulfilled, .redeemed, .expired, .reversed],
                of: input.clientID,
                in: transaction)
            faults.reach(RewardCrashPoint.grantBeforeCommit)
            return reward
        }
        faults.reach(RewardCrashPoint.grantAfterCommit)
        return reward
    }
}
