import FoundationEssentials
import HTTPKit
import Kernel
import TestKit

/// A collector of spans that reads them as the OpenTelemetry project does; see `Tests/Peers`.
struct SpanCollector: Sendable {
    let url: String
    private let path: String
    private let process: ManagedProcess

    static func start(in directory: String) async throws -> SpanCollector {
        let path = "\(directory)/spans.jsonl"
        let port = FreePort.find()
        let process = try Peers.start("otlp_collector.py", ["--port", "\(port)", "--out", path])
        return SpanCollector(url: "http://127.0.0.1:\(port)", path: path, process: process)
    }

    /// Every span of a trace that has come so far.
    func trace(_ traceID: String) throws -> CollectedTrace {
        let data = FileManager.default.contents(atPath: path) ?? Data()
        // What comes after the last end of a line is still being written.
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return CollectedTrace(
            spans: try lines.dropLast().map { try CollectedSpan(JSONCoding.parse(Array($0))) }
                .filter { $0.traceID == traceID })
    }

    func stop() async throws { try await process.stop(within: .seconds(5)) }
}

/// One line of a collector.
struct CollectedSpan: Sendable {
    struct Unreadable: Error {}

    let traceID: String
    let id: String
    let parentID: String?
    let service: String
    let kind: String
    let name: String
    let isFailed: Bool

    init(_ json: JSONValue) throws {
        guard let traceID = json["trace_id"]?.string, let id = json["span_id"]?.string,
            let service = json["service"]?.string, let kind = json["kind"]?.string,
            let name = json["name"]?.string
        else { throw Unreadable() }
        self.traceID = traceID
        self.id = id
        parentID = json["parent_span_id"]?.string
        self.service = service
        self.kind = kind
        self.name = name
        isFailed = json["status"]?.string == "ERROR"
    }
}

/// The spans of one trace.
struct CollectedTrace: Sendable, CustomStringConvertible {
    let spans: [CollectedSpan]

    var services: Set<String> { Set(spans.map(\.service)) }

    /// The spans whose parent is not among them.
    var roots: [CollectedSpan] {
        let ids = Set(spans.map(\.id))
        return spans.filter { span in span.parentID.map { !ids.contains($0) } ?? true }
    }

    /// A span and what it stands below, up to a root, each as `service: name`.
    func path(from span: CollectedSpan) -> [String] {
        var path: [String] = []
        var next: CollectedSpan? = span
        while let span = next, path.count <= spans.count {
            path.append("\(span.service): \(span.name)")
            next = spans.first { $0.id == span.parentID }
        }
        return path
    }

    /// The tree, a span a line.
    var description: String {
        roots.map { text(of: $0, indent: "") }.joined()
    }

    private func text(of span: CollectedSpan, indent: String) -> String {
        let children = spans.filter { $0.parentID == span.id }
        return
            "\(indent)\(span.service) \(span.kind) \(span.name)\(span.isFailed ? " FAILED" : "")\n"
            + children.map { text(of: $0, indent: indent + "  ") }.joined()
    }
}
