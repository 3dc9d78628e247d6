import Contracts
package import HTTPKit
import Kernel
import ServiceKit

extension AnalyticsService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        router.group(context.audiences.portal) { group in
            live(&group)
        }
    }
}
