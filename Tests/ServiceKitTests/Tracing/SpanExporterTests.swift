import Contracts
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(2))) struct SpanExporterTests {
    @Test func `spans arrive in batches, and each is counted`() async throws {
        let collector = try StandInCollector()
        try await Export.run(to: collector.port, limit: 2000) { export in
            export.add(1300)
            try await eventually("all are sent") { export.exported == 1300 }
            #expect(collector.requests == 3)
            #expect(export.dropped == 0)
        }
        await collector.stop()
    }

    @Test func `while the collector is away spans wait, and what is too much is counted`()
        async throws
    {
        let port = FreePort.find()
        try await Export.run(to: port, limit: 100) { export in
            export.add(1)
            try await eventually("one is under way") { export.buffer.count == 0 }
            export.add(300)
            #expect(export.dropped(.full) == 200)
            let collector = try StandInCollector(port: port)
            try await eventually("what waited is sent", within: .seconds(30)) {
                export.exported == 101
            }
            #expect(export.dropped == 200)
            await collector.stop()
        }
    }

    @Test(arguments: [429, 502, 503, 504])
    func `spans are sent again when the collector asks for patience`(status: Int) async throws {
        let collector = try StandInCollector([status])
        try await Export.run(to: collector.port) { export in
            export.add(5)
            try await eventually("all are sent") { export.exported == 5 }
            #expect(collector.requests == 2)
            #expect(export.dropped == 0)
        }
        await collector.stop()
    }

    @Test(arguments: [400, 404, 415, 500])
    func `what the collector refuses is dropped and does not hold up the rest`(
        status: Int
    ) async throws {
        let collector = try StandInCollector([status])
        try await Export.run(to: collector.port) { export in
            export.add(3)
            try await eventually("they are refused") { export.dropped(.refused) == 3 }
            export.add(4)
            try await eventually("the next are sent") { export.exported == 4 }
        }
        await collector.stop()
    }

    @Test func `what waits at the end is sent`() async throws {
        let collector = try StandInCollector()
        var limits = SpanExporter.Limits()
        limits.interval = .seconds(60)
        let exported = try await Export.run(to: collector.port, limit: 2000, limits) { export in
            export.add(1025)
            return export
        }.exported
        #expect(exported == 1025)
        #expect(collector.requests == 3)
        await collector.stop()
    }

    @Test(arguments: [true, false])
    func `a collector that hangs or is gone does not hold up the end`(hangs: Bool) async throws {
        let collector = try hangs ? StandInCollector(hangs: true) : nil
        var limits = SpanExporter.Limits()
        limits.farewell = .milliseconds(200)
        let export = try await Export.run(
            to: collector?.port ?? FreePort.find(), limit: 2000, limits
        ) { export in
            export.add(600)
            try await eventually("some are under way") { export.buffer.count < 600 }
            return export
        }
        #expect(export.exported == 0)
        #expect(export.dropped(.ended) == 600)
        #expect(export.buffer.count == 0)
        await collector?.stop()
    }
}

/// An exporter that runs, with what it counts.
struct Export: Sendable {
    let metrics = Metrics()
    let buffer: SpanBuffer

    private init(limit: Int) {
        buffer = SpanBuffer(limit: limit, metrics: metrics)
    }

    /// Runs an exporter around `body` and lets it end.
    @discardableResult
    static func run<Value>(
        to port: UInt16, limit: Int = 100, _ limits: SpanExporter.Limits = .init(),
        _ body: (Export) async throws -> Value
    ) async throws -> Value {
        let export = Export(limit: limit)
        let http = HTTPClient(HTTPClientConfiguration(), world: World())
        let exporter = SpanExporter(
            export.buffer, endpoint: "http://127.0.0.1:\(port)", service: .reward, http: http,
            limits: limits, telemetry: Telemetry(metrics: export.metrics))
        let task = Task { await exporter.run() }
        let result: Result<Value, any Error>
        do { result = .success(try await body(export)) } catch { result = .failure(error) }
        task.cancel()
        await task.value
        await http.shutdown()
        return try result.get()
    }

    func add(_ count: Int) {
        for _ in 0..<count { Tracer(buffer).begin("work", .internal, below: TraceContext())?.end() }
    }

    var exported: Int {
        metrics.counter("grapevine_trace_spans_exported_total", help: "").value
    }

    var dropped: Int { SpanBuffer.Loss.allCases.reduce(0) { $0 + dropped($1) } }

    func dropped(_ loss: SpanBuffer.Loss) -> Int {
        metrics.counter(
            "grapevine_trace_spans_dropped_total", help: "", [("reason", loss.rawValue)]
        ).value
    }
}
