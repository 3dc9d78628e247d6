import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

extension Deployment {
    /// Waits until every service says that it is ready, and the gateway reaches it.
    func waitUntilReady() async throws {
        for service in services { try await waitUntilReady(service) }
        for service in services {
            try await eventually("the gateway reaches \(service.name)", within: .seconds(30)) {
                try await status("\(gateway.url)/health/\(service.name.rawValue)") == 200
            }
        }
    }

    /// Waits until one service says that it is ready.
    func waitUntilReady(_ service: SupervisedService) async throws {
        try await eventually("\(service.name) is ready", within: .seconds(60)) {
            try await status("\(service.url)/readyz") == 200
        }
    }

    /// The processes of this moment, to be compared with those of later.
    func pids() async -> [ServiceName: Int32] {
        var pids: [ServiceName: Int32] = [:]
        for service in services { pids[service.name] = await service.pid }
        return pids
    }

    /// The end of every log, for failures.
    func logTails() -> String { Self.logTails(of: services, in: directory) }

    /// The same before there is a deployment.
    static func logTails(
        of services: [SupervisedService], in directory: String, lines count: Int = 12
    ) -> String {
        let logs =
            services.map { ($0.name.rawValue, $0.logPath) }
            + [("gateway", "\(directory)/log/gateway.error.log")]
        let tails = logs.map { name, path in
            let data = FileManager.default.contents(atPath: path) ?? Data()
            let tail = String(decoding: data, as: UTF8.self).split(separator: "\n")
                // Each request leaves a line; what went wrong says so.
                .filter { !$0.contains(#""level":"info""#) }
                .suffix(count).joined(separator: "\n")
            return "--- \(name)\n\(tail)"
        }
        return "Logs are in \(directory)\n" + tails.joined(separator: "\n")
    }

    private func status(_ url: String) async throws -> Int {
        try await http.send(ClientRequest(url: url, deadline: .seconds(3), retry: .never)).status
    }
}
