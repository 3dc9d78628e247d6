import Contracts
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// `POST /v1/portal/rewards/{reward_id}/approve`, `reject`, `fulfil` and `reverse`: what people
/// decide.
struct MoveReward: Sendable {
    /// What can be done, and where it leads.
    static let actions: [(name: String, status: RewardStatus)] = [
        ("approve", .approved), ("reject", .rejected), ("fulfil", .fulfilled),
        ("reverse", .reversed),
    ]

    static let maximumReasonLength = 500

    struct Body: Decodable {
        let reason: String
    }

    let status: RewardStatus
    let rewards: RewardStore
    let idempotency: IdempotencyStore
    let postgres: PostgresClient

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.rewards)
        let reason = try Self.reason(of: request)
        let once = try IdempotencyRequest(required: request, clientID: principal.clientID)
        guard let id = RewardID(try request.pathParameters.string("reward_id")) else {
            throw RewardFailure.rewardUnknown
        }
        let answer = try await idempotency.perform(once, in: postgres) { transaction in
            let reward = try await rewards.move(
                id, to: status, by: principal.actor.text, because: reason,
                of: principal.clientID, in: transaction)
            return try .json(reward)
        }
        return answer.response
    }

    private static func reason(of request: HTTPRequest) throws(Problem) -> String {
        let reason = try request.decode(Body.self).reason
        guard (1...maximumReasonLength).contains(reason.count), !reason.utf8.contains(0) else {
            throw .invalid([
                .init(
                    pointer: "/reason", code: "invalid_value",
                    detail: "Say why, in 1 to \(maximumReasonLength) characters.")
            ])
        }
        return reason
    }
}
