import HTTPKit
import ServiceKit

extension AnalyticsService {
    /// What a dashboard follows while it is open.
    func live(_ group: inout RouteGroup<PortalPrincipal>) {}
}
