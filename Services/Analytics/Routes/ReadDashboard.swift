import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/dashboard`: how a campaign does, or all of them.
struct ReadDashboard: Sendable {
    private static let leaderboardLength = 10

    struct Answer: Encodable, Sendable {
        let scope: DashboardScope
        let asOf: Timestamp
        let finalBefore: Timestamp
        let funnel: FunnelFigures
        let rewards: RewardFigures
        let hourly: [HourFigures]
        let leaderboard: [LeaderboardRow]

        private enum CodingKeys: String, CodingKey {
            case provisional, from, to, funnel, rewards, hourly, leaderboard
            case campaignID = "campaign_id"
            case asOf = "as_of"
            case finalBefore = "final_before"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(scope.campaignID, forKey: .campaignID)
            try container.encode(finalBefore < scope.to, forKey: .provisional)
            try container.encode(finalBefore, forKey: .finalBefore)
            try container.encode(asOf, forKey: .asOf)
            try container.encode(scope.from, forKey: .from)
            try container.encode(scope.to, forKey: .to)
            try container.encode(funnel, forKey: .funnel)
            try container.encode(rewards, forKey: .rewards)
            try container.encode(hourly, forKey: .hourly)
            try container.encode(leaderboard, forKey: .leaderboard)
        }
    }

    let numbers: DashboardStore
    let finality: Finality
    let world: World

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        let scope = try DashboardScope(request, principal, world: world)
        let asOf = principal.businessClock(world).now()
        // Asked first: what is marked while the numbers are read makes them no less true.
        let finalBefore = try await finality.limit(of: scope, now: asOf)
        async let funnel = numbers.funnel(scope)
        async let rewards = numbers.rewards(scope)
        async let hourly = numbers.hourly(scope)
        async let leaderboard = numbers.leaderboard(scope, limit: Self.leaderboardLength)
        return .json(
            Answer(
                scope: scope, asOf: asOf, finalBefore: finalBefore, funnel: try await funnel,
                rewards: try await rewards,
                hourly: try await hourly, leaderboard: try await leaderboard))
    }
}
