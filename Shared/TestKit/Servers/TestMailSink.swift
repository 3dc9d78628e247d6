package import Foundation
import Testing

/// A real mail server (aiosmtpd, by `deploy/local/mail-sink`) whose messages are files.
package struct TestMailSink: Sendable {
    /// The server's process; ends when the last reference goes.
    package let process: ManagedProcess
    /// The loopback port it listens on.
    package let port: UInt16
    /// Where the messages are, one `.eml` each.
    package let directory: String

    /// Starts one with further arguments of the script (`--fail 451`), on a free port and in a new
    /// directory unless told otherwise. Throws when it does not come up.
    package static func start(
        _ arguments: [String] = [], port: UInt16? = nil, directory: String? = nil
    ) async throws -> TestMailSink {
        let port = port ?? FreePort.find()
        let directory = try directory ?? Repository.scratchDirectory("mail")
        let process = try ManagedProcess(
            "\(Repository.root)/deploy/local/mail-sink",
            ["--port", "\(port)", "--directory", directory] + arguments)
        try await eventually("the mail sink is ready", within: .seconds(30)) {
            if let exit = process.poll() {
                throw ProcessError("mail-sink ended with \(exit): \(process.logTail())")
            }
            return process.log().contains("ready on port")
        }
        return TestMailSink(process: process, port: port, directory: directory)
    }

    /// The messages so far, in the order of arrival.
    package var messages: [Data] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".eml") }.sorted().compactMap {
            FileManager.default.contents(atPath: "\(directory)/\($0)")
        }
    }

    /// Ends it. What it has written stays.
    package func stop() async { _ = try? await process.stop(within: .seconds(5)) }

    /// Lends a sink and ends it whatever happens.
    package static func with<Value: Sendable>(
        _ arguments: [String] = [], _ body: (TestMailSink) async throws -> Value
    ) async throws -> Value {
        let sink = try await start(arguments)
        do {
            let value = try await body(sink)
            await sink.stop()
            return value
        } catch {
            await sink.stop()
            throw error
        }
    }
}
