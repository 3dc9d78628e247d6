import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/rewards/{reward_id}`: a reward with its history.
struct ReadReward: Sendable {
    let rewards: RewardStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.rewards)
        guard let id = RewardID(try request.pathParameters.string("reward_id")),
            let found = try await rewards.find(id, of: principal.clientID)
        else { throw RewardFailure.rewardUnknown }
        return .json(RewardAnswer(reward: found.reward, history: found.history))
    }
}
