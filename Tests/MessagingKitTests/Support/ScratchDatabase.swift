import Foundation
import Kernel
import PostgresKit

/// A database of its own on a private server that ends with the test process.
struct ScratchDatabase {
    private static let server = Task { try LocalServer() }
    let name: String
    private let folder: String

    static func make() async throws -> ScratchDatabase {
        let server = try await server.value
        let name = "t" + UUID().uuidString.lowercased().replacing("-", with: "")
        try server.createDatabase(name)
        return ScratchDatabase(name: name, folder: server.folder)
    }

    func connect(applicationName: String) throws -> PostgresClient {
        var configuration = try PostgresConfiguration(
            url: "host=\(folder) user=postgres dbname=\(name)")
        configuration.applicationName = applicationName
        return PostgresClient(configuration, telemetry: .init())
    }
}

private struct LocalServer {
    static let binaries = "/usr/lib/postgresql/15/bin/"
    let folder: String

    init() throws {
        folder = "/tmp/mk-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try run("/bin/chown", ["postgres", folder])
        try asPostgres(["initdb", "-D", "\(folder)/data", "-A", "trust", "-N"])
        // The server ends with this process: it watches for its parent through the shell.
        let watched = """
            \(Self.binaries)postgres -D \(folder)/data -k \(folder) -h '' -c fsync=off \
            -c max_connections=400 >\(folder)/log 2>&1 & server=$!
            while kill -0 \(ProcessInfo.processInfo.processIdentifier) 2>/dev/null; do sleep 1; done
            kill -QUIT $server; wait $server; rm -rf \(folder)
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments =
            ["--reuid=postgres", "--regid=postgres", "--init-groups", "/bin/bash", "-c", watched]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<200 where (try? asPostgres(["pg_isready", "-q", "-h", folder])) == nil {
            usleep(50_000)
        }
    }

    func createDatabase(_ name: String) throws {
        try asPostgres(["createdb", "-h", folder, name])
    }

    private func asPostgres(_ arguments: [String]) throws {
        try run(
            "/usr/bin/setpriv",
            ["--reuid=postgres", "--regid=postgres", "--init-groups", Self.binaries + arguments[0]]
                + arguments.dropFirst())
    }

    private func run(_ path: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CocoaError(.executableLoad)
        }
    }
}
