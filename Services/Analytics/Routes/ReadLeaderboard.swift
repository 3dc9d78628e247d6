import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/dashboard/leaderboard`: who brought most.
struct ReadLeaderboard: Sendable {
    let numbers: DashboardStore
    let world: World

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        let scope = try DashboardScope(request, principal, world: world)
        let page = try request.query.page()
        return .json(["data": try await numbers.leaderboard(scope, limit: page.limit)])
    }
}
