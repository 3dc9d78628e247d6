import Contracts
import FoundationEssentials
import Glibc
import Kernel
import TestKit

/// nginx with the configuration that `deploy/up` gives it, before the services of a deployment.
struct Gateway: Sendable {
    let port: UInt16
    private let process: ManagedProcess

    /// Renders the template into `directory` and starts nginx.
    static func start(
        in directory: String, before services: [ServiceName: UInt16],
        port: UInt16 = FreePort.find()
    ) async throws -> Gateway {
        let ports = services.map { "\($0.rawValue)=\($1)\n" }.joined()
        // The scripts want a port for everything; the gateway does not go to the stores.
        try Data("gateway=\(port)\npostgres=9\nredis=9\n\(ports)".utf8).write(
            to: URL(filePath: "\(directory)/ports"))
        let script = "\(Repository.root)/deploy/local/gateway"
        let environment = [
            "GRAPEVINE_STATE": directory, "GRAPEVINE_GATEWAY_SIGN_INS_PER_SECOND": "1000",
        ]
        try await Command.run(script, ["configure"], environment: environment)
        let process = try ManagedProcess(
            script, ["run"], environment: environment, logPath: "\(directory)/gateway.log")
        return Gateway(port: port, process: process)
    }

    var url: String { "http://127.0.0.1:\(port)" }

    func stop() async throws {
        process.signal(SIGQUIT)
        if (try? await process.waitForExit(within: .seconds(5))) == nil {
            try await process.stop(within: .seconds(5))
        }
    }
}
