import Foundation
import Kernel
import PostgresKit
import Testing

/// The servers that all tests share, started when they do not run yet.
enum TestServers {
    static let postgresURL = Task { try url("GRAPEVINE_TEST_POSTGRES_URL") }
    static let redisURL = Task { try url("GRAPEVINE_TEST_REDIS_URL") }

    private static func url(_ variable: String) throws -> String {
        if let url = ProcessInfo.processInfo.environment[variable] { return url }
        let script = URL(fileURLWithPath: #filePath)
            .appending(path: "../../../../deploy/local/test-servers").standardized.path
        _ = try output(of: script, ["up"])
        let lines = try output(of: script, ["env"]).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("\(variable)=") })
        return String(line.dropFirst(variable.count + 1))
    }

    private static func output(of script: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: script)
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "test-servers \(arguments) failed")
        return String(decoding: data, as: UTF8.self)
    }
}

/// A database of its own on the server for tests, named after the process so that it is cleared
/// away after a crash too.
struct ScratchDatabase: Sendable {
    private static let administrator = Task {
        try PostgresClient(
            PostgresConfiguration(url: try await TestServers.postgresURL.value),
            telemetry: Telemetry())
    }

    private let url: String
    private let name: String

    static func make() async throws -> ScratchDatabase {
        let random = UUID().uuidString.lowercased().replacing("-", with: "")
        let name = "test_\(ProcessInfo.processInfo.processIdentifier)_\(random)"
        try await administrator.value.execute("create database \(unsafeRaw: name)")
        var components = try #require(
            URLComponents(string: try await TestServers.postgresURL.value))
        components.path = "/" + name
        return ScratchDatabase(url: try #require(components.string), name: name)
    }

    func connect(applicationName: String) throws -> PostgresClient {
        var configuration = try PostgresConfiguration(url: url)
        configuration.applicationName = applicationName
        return PostgresClient(configuration, telemetry: Telemetry())
    }

    func drop() async throws {
        try await Self.administrator.value.execute(
            "drop database \(unsafeRaw: name) with (force)")
    }
}
