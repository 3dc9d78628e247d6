import Foundation
import TestKit

/// A message as Python's own e-mail package understands it.
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

    /// All messages of a directory, in the order of their names.
    static func read(_ directory: String) async throws -> [ParsedMail] {
        let text = try await Command.run(
            "/usr/bin/python3", ["\(Repository.root)/Tests/Peers/read-mail.py", directory])
        return try JSONDecoder().decode([ParsedMail].self, from: Data(text.utf8))
    }
}

extension TestMailSink {
    func parsed() async throws -> [ParsedMail] { try await ParsedMail.read(directory) }

    /// What arrived without the lines that the sink adds and servers may.
    var bodies: [String] {
        messages.map { message in
            String(decoding: message, as: UTF8.self).components(separatedBy: "\r\n")
                .filter { !$0.hasPrefix("X-Envelope-") }.joined(separator: "\r\n")
        }
    }
}
