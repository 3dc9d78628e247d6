import HTTPKit
import Kernel
package import ServiceKit

extension AnalyticsService {
    package static let commands = [
        ServiceCommand<AnalyticsService>(
            "verify-stream",
            "compare the log with ClickHouse by id and body hash, print counts; "
                + "with --whole events that still wait are a difference"
        ) { service, _, arguments in
            guard arguments.isEmpty || arguments == ["--whole"] else {
                throw Problem.badRequest(
                    "unknown_argument", "verify-stream takes --whole or nothing.")
            }
            var report = try await service.audit.run()
            // Something is always on its way, if only our own probe.
            for _ in 0..<20 where arguments == ["--whole"] && report.isClean && report.waiting > 0 {
                try await Task.sleep(for: .milliseconds(500))
                report = try await service.audit.run()
            }
            print(String(decoding: try JSONCoding.encode(report), as: UTF8.self))
            guard report.isClean else {
                throw Problem(
                    status: 500, code: "stream_differs",
                    detail: "ClickHouse does not hold the log's events exactly once.")
            }
            guard arguments.isEmpty || report.waiting == 0 else {
                throw Problem(
                    status: 503, code: "stream_behind",
                    detail: "\(report.waiting) events of the log are not in ClickHouse yet.")
            }
        }
    ]

    /// Compares the log with ClickHouse.
    var audit: StreamAudit {
        StreamAudit(log: context.log, cursors: stream.cursors, client: clickHouse)
    }
}
