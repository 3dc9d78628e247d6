import Foundation
import TestKit
import Testing

/// A real mail server (aiosmtpd) whose messages are files.
struct MailSink: Sendable {
    let process: ManagedProcess
    let port: UInt16
    let directory: String

    static func start(_ arguments: [String] = [], port: UInt16? = nil, directory: String? = nil)
        async throws -> MailSink
    {
        let port = port ?? FreePort.find()
        let directory = try directory ?? Repository.scratchDirectory("mail")
        let process = try ManagedProcess(
            "\(Repository.root)/deploy/local/mail-sink",
            ["--port", "\(port)", "--directory", directory] + arguments)
        try await eventually("the mail sink is ready", within: .seconds(20)) {
            if let exit = process.poll() {
                throw ProcessError("mail-sink ended with \(exit): \(process.logTail())")
            }
            return process.log().contains("ready on port")
        }
        return MailSink(process: process, port: port, directory: directory)
    }

    /// The messages so far, as text, in the order of arrival.
    var messages: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".eml") }.sorted().compactMap {
            try? String(contentsOfFile: "\(directory)/\($0)", encoding: .utf8)
        }
    }

    /// The messages as Python's own e-mail package reads them.
    func parsed() async throws -> [ParsedMail] {
        let text = try await Command.run(
            "/usr/bin/python3",
            ["\(Repository.root)/Tests/Peers/read-mail.py", directory])
        return try JSONDecoder().decode([ParsedMail].self, from: Data(text.utf8))
    }
}

/// A message as another implementation understands it.
struct ParsedMail: Decodable, Sendable {
    /// By name in lower case, decoded.
    let headers: [String: [String]]
    /// Decoded text of each part, by type.
    let parts: [String: String]
    /// What the parser found wrong.
    let defects: [String]
    let longestLine: Int
    let isASCII: Bool

    subscript(_ name: String) -> String? { headers[name]?.first }
}
