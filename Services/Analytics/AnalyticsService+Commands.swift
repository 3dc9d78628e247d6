import HTTPKit
import Kernel
package import ServiceKit

extension AnalyticsService {
    package static let commands = [
        ServiceCommand<AnalyticsService>(
            "verify-stream", "compare the log with ClickHouse by id and body hash, print counts"
        ) { service, _, _ in
            let report = try await service.audit.run()
            print(String(decoding: try JSONCoding.encode(report), as: UTF8.self))
            guard report.isClean else {
                throw Problem(
                    status: 500, code: "stream_differs",
                    detail: "ClickHouse does not hold the log's events exactly once.")
            }
        }
    ]

    /// Compares the log with ClickHouse.
    var audit: StreamAudit {
        StreamAudit(log: context.log, cursors: stream.cursors, client: clickHouse)
    }
}
