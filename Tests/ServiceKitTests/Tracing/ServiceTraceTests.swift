import Contracts
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(2))) struct ServiceTraceTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let span = "b7ad6b7169203331"

    @Test func `a request leaves a span below its caller's`() async throws {
        let spans = try await spans { get in
            try await get("/greeting?name=ada", ["traceparent": "00-\(Self.trace)-\(Self.span)-01"])
        }
        try #require(spans.count == 1)
        #expect(spans[0].name == "GET /greeting" && spans[0].kind == .server)
        #expect(spans[0].context.traceID == Self.trace)
        let parent = TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01")
        #expect(spans[0].context.parentIDBytes == parent?.spanIDBytes)
        let attributes = Dictionary(spans[0].attributes) { $1 }
        #expect(attributes["http.response.status_code"] == 200)
        // What stands in a query may name people.
        #expect(!attributes.values.contains { "\($0)".contains("ada") })
    }

    @Test func `a request with no trace begins one`() async throws {
        let spans = try await spans { get in try await get("/greeting", [:]) }
        #expect(spans.map(\.context.parentIDBytes) == [nil])
    }

    @Test func `a caller that does not want a trace gets none, and probes never do`()
        async throws
    {
        let spans = try await spans { get in
            try await get("/greeting", ["traceparent": "00-\(Self.trace)-\(Self.span)-00"])
            for path in ["/healthz", "/readyz", "/metrics"] {
                try await get(path, ["traceparent": "00-\(Self.trace)-\(Self.span)-01"])
            }
        }
        #expect(spans.isEmpty)
    }

    @Test func `a service that stops sends what it did last`() async throws {
        let collector = try StandInCollector()
        let left = try await spans(collector: collector) { get in
            try await get("/greeting", [:])
        }
        #expect(left.isEmpty)
        #expect(collector.requests == 1)
        await collector.stop()
    }

    /// The spans of a service that got these requests and stopped. Without a collector it keeps
    /// them.
    private func spans(
        collector: StandInCollector? = nil,
        _ body: (_ get: (String, HTTPHeaders) async throws -> Void) async throws -> Void
    ) async throws -> [Span] {
        try await TestPostgres.shared().withDatabase { database in
            var common = CommonConfiguration(service: .notification, databaseURL: database.url)
            common.otlpEndpoint = collector.map { "http://127.0.0.1:\($0.port)" }
            let metrics = Metrics()
            let buffer = SpanBuffer(metrics: metrics)
            let running = try await RunningService<SampleService>.start(
                configuration: SampleService.Configuration(greeting: "hi"), common: common,
                world: World(
                    telemetry: Telemetry(metrics: metrics, tracer: Tracer(buffer))))
            let http = HTTPClient(HTTPClientConfiguration(), world: World())
            try await body { path, headers in
                _ = try await http.send(ClientRequest(url: running.url + path, headers: headers))
            }
            await running.stop()
            await http.shutdown()
            return buffer.take(.max)
        }
    }
}
