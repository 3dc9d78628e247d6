import AnalyticsService
import CampaignService
import ClientService
import Contracts
import EventService
import Foundation
import HTTPKit
import NotificationService
import ReferralService
import RewardService
import ServiceKit
import TestKit
import Testing
import WorkflowService

/// A service as the checks of all services see it.
struct EveryService: Sendable, CustomTestStringConvertible {
    /// As its folder is called.
    let name: String
    let service: ServiceName
    let openAPI: [UInt8]?
    /// Every route. Needs no server.
    let routes: @Sendable () async throws -> [RouteDescription]
    /// Serves the routes, with nothing behind them, to whom the keys let in.
    let serve:
        @Sendable (
            @Sendable (inout CommonConfiguration) -> Void,
            @Sendable (Router) async throws -> Void
        ) async throws -> Void

    private init<Owner: Service>(_ type: Owner.Type) {
        name = Owner.name.rawValue.capitalized
        service = Owner.name
        openAPI = Owner.openAPI
        routes = { try await ServiceRoutes.list(type) }
        serve = { try await ServiceRoutes.withRouter(type, configure: $0, $1) }
    }

    static let all = [
        EveryService(AnalyticsService.self), EveryService(CampaignService.self),
        EveryService(ClientService.self), EveryService(EventService.self),
        EveryService(NotificationService.self), EveryService(ReferralService.self),
        EveryService(RewardService.self), EveryService(WorkflowService.self),
    ]

    var testDescription: String { name }

    /// The folders of services in this checkout.
    static func folders() throws -> Set<String> {
        let services = Repository.root + "/Services"
        let names = try FileManager.default.contentsOfDirectory(atPath: services)
        return Set(
            names.filter {
                FileManager.default.fileExists(atPath: "\(services)/\($0)/Run/Main.swift")
            })
    }
}
