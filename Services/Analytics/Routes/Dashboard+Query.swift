package import ClickHouseKit
import HTTPKit
package import Kernel
import ServiceKit

/// What a portal credential that has scopes at all must have here.
enum Scope {
    static let analytics = "analytics"
}

extension DashboardScope {
    /// `campaign_id`, `from` and `to` of a request, for the caller's client.
    init(_ request: HTTPRequest, _ principal: PortalPrincipal, world: World) throws(Problem) {
        try principal.require(Scope.analytics)
        try self.init(
            clientID: principal.clientID, campaignID: request.query.id("campaign_id"),
            from: Self.time("from", request.query), to: Self.time("to", request.query),
            now: principal.businessClock(world).now())
    }

    private static func time(
        _ name: String, _ query: QueryParameters
    ) throws(Problem) -> Timestamp? {
        guard let text = query[name] else { return nil }
        guard let time = Timestamp(text) else {
            throw invalid(name, "Use a time such as 2026-01-31T12:00:00Z.")
        }
        return time
    }

    private static func invalid(_ name: String, _ detail: String) -> Problem {
        .invalid([.init(pointer: "?\(name)", code: "invalid_value", detail: detail)])
    }
}

/// The one place where failures of ClickHouse become answers.
extension ClickHouseError: ProblemConvertible {
    package var problem: Problem {
        switch code {
        case .encoding, .decoding, .server: .internalError
        default:
            .unavailable(
                "analytics_unavailable",
                "The numbers cannot be read right now. Nothing is lost; try again shortly.",
                retryAfter: .seconds(5))
        }
    }
}
