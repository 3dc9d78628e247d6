import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import ServiceKit

/// Whether the messages of the OpenTelemetry project read what we write.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: Peers.areInstalled, "Tests/Peers/run --venv installs the parser"))
struct TracePeerTests {
    @Test func `the parser of PyPI reads every field as it was meant`() async throws {
        let file = try Repository.scratchDirectory("spans") + "/spans.jsonl"
        let port = FreePort.find()
        let collector = try Peers.start(
            "otlp_collector.py", ["--port", "\(port)", "--out", file])
        let cause = TraceContext()
        let failed = cause.child()
        try await Export.run(to: port) { export in
            export.buffer.add(
                Span(
                    context: cause, name: "POST /v1/sdk/events", kind: .server,
                    start: 1_763_740_000_123_456_789, end: 1_763_740_001_000_000_000,
                    attributes: [("route", "/größe/😀"), ("empty", ""), ("zero", 0)],
                    failure: nil))
            export.buffer.add(
                Span(
                    context: failed, name: "step allocate", kind: .internal, start: 7, end: 5,
                    attributes: [("negative", -1), ("large", .integer(.max))],
                    failure: "budget_exhausted"))
            for kind in [Span.Kind.client, .producer, .consumer] {
                export.buffer.add(
                    Span(
                        context: failed.child(), name: "\(kind)", kind: kind, start: 1, end: 2,
                        attributes: [("long", .text(String(repeating: "x", count: 300)))],
                        failure: nil))
            }
            try await eventually("the collector takes them", within: .seconds(60)) {
                export.exported == 5
            }
        }
        let spans = try Self.read(file)
        let root = try #require(spans["POST /v1/sdk/events"])
        #expect(root["service"]?.string == "reward-service")
        #expect(root["trace_id"]?.string == cause.traceID)
        #expect(root["span_id"]?.string == cause.spanID)
        #expect(root["parent_span_id"] == .null)
        #expect(root["kind"]?.string == "SERVER")
        #expect(root["start"]?.integer == 1_763_740_000_123_456_789)
        #expect(root["end"]?.integer == 1_763_740_001_000_000_000)
        #expect(root["status"]?.string == "UNSET")
        #expect(root["flags"]?.integer == 1)
        #expect(root["attributes"] == ["route": "/größe/😀", "empty": "", "zero": 0])
        let step = try #require(spans["step allocate"])
        #expect(step["trace_id"]?.string == cause.traceID)
        #expect(step["parent_span_id"]?.string == cause.spanID)
        #expect(step["kind"]?.string == "INTERNAL")
        #expect(step["status"]?.string == "ERROR")
        // A clock that was set back makes no span that ends before it begins.
        #expect(step["end"]?.integer == 7)
        #expect(step.at("attributes.negative")?.integer == -1)
        #expect(step.at("attributes.large")?.integer == .max)
        #expect(step["attributes"]?["error.type"]?.string == "budget_exhausted")
        for kind in ["client", "producer", "consumer"] {
            #expect(spans[kind]?["kind"]?.string == kind.uppercased())
            #expect(spans[kind]?.at("attributes.long")?.string?.count == 300)
        }
        try await collector.stop(within: .seconds(5))
    }

    private static func read(_ file: String) throws -> [String: JSONValue] {
        let data = try #require(FileManager.default.contents(atPath: file))
        let spans = try data.split(separator: UInt8(ascii: "\n")).map {
            try JSONCoding.parse(Array($0))
        }
        return Dictionary(spans.map { ($0["name"]?.string ?? "", $0) }, uniquingKeysWith: { $1 })
    }
}
