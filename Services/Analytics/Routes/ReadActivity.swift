import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/dashboard/hourly`: how often each event happened, hour by hour.
struct ReadActivity: Sendable {
    /// A month of hours with some types of events; of more, the latest are told.
    private static let rowLimit = 5000

    let numbers: DashboardStore
    let world: World

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        let scope = try DashboardScope(request, principal, world: world)
        let event = request.query["event"]
        if let event, !EventType.isValid(event) {
            throw Problem.invalid([
                .init(
                    pointer: "?event", code: "invalid_value",
                    detail: "Use a type of event such as purchase_completed.")
            ])
        }
        let rows = try await numbers.activity(scope, event: event, limit: Self.rowLimit)
        return .json(["data": rows])
    }
}
