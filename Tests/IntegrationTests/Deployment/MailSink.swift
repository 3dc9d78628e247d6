import FoundationEssentials
import Kernel
import TestKit

/// The SMTP server of `deploy/up`, which keeps every mail that it accepts as a file and sends none.
struct MailSink: Sendable {
    /// Where the mails are, one `.eml` each.
    let directory: String
    let port: UInt16
    private let process: ManagedProcess

    static func start(in directory: String) async throws -> MailSink {
        let port = FreePort.find()
        let mails = "\(directory)/mail"
        try FileManager.default.createDirectory(atPath: mails, withIntermediateDirectories: true)
        let process = try ManagedProcess(
            "\(Repository.root)/deploy/local/mail-sink",
            ["--port", "\(port)", "--directory", mails],
            logPath: "\(directory)/mail-sink.log")
        return MailSink(directory: mails, port: port, process: process)
    }

    var url: String { "smtp://127.0.0.1:\(port)" }

    /// Every mail that was accepted so far, in no order.
    func mails() throws -> [Mail] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
            .filter { $0.hasSuffix(".eml") }
            .compactMap { name in
                FileManager.default.contents(atPath: "\(directory)/\(name)").map {
                    Mail(String(decoding: $0, as: UTF8.self))
                }
            }
    }

    func stop() async throws { try await process.stop(within: .seconds(5)) }
}

/// A mail as it arrived, as far as tests ask.
struct Mail: Sendable {
    let text: String

    init(_ text: String) { self.text = text.replacing("\r\n", with: "\n") }

    /// A header's value; nil when there is none. Folded lines are joined.
    func header(_ name: String) -> String? {
        var value: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty { break }
            if line.first == " " || line.first == "\t" {
                if value != nil { value? += line.drop { $0 == " " || $0 == "\t" } }
            } else if value != nil {
                break
            } else if line.lowercased().hasPrefix("\(name.lowercased()):") {
                value = String(line.dropFirst(name.count + 1).drop { $0 == " " })
            }
        }
        return value
    }

    /// The notification that it is, from `Message-ID: <ntf_…@…>`.
    var notificationID: NotificationID? {
        guard let id = header("Message-ID") else { return nil }
        let text = id.drop { $0 == "<" }.prefix { $0 != "@" && $0 != ">" }
        return NotificationID(String(text))
    }
}
