import Kernel
import Synchronization
import Testing

@Suite struct TracerTests {
    private final class Kept: SpanSink {
        private let kept = Mutex<[Span]>([])
        var spans: [Span] { kept.withLock { $0 } }
        func add(_ span: Span) { kept.withLock { $0.append(span) } }
    }

    private struct Refusal: Error {}

    private let kept = Kept()
    private var tracer: Tracer { Tracer(kept) }

    @Test func `spans belong below what was current when they began`() async throws {
        let cause = TraceContext()
        await TraceContext.$current.withValue(cause) {
            await tracer.span("outer", .server, [("size", 3)]) {
                await tracer.span("inner") {
                    #expect(TraceContext.current?.traceID == cause.traceID)
                }
            }
        }
        let spans = kept.spans
        try #require(spans.map(\.name) == ["inner", "outer"])
        #expect(spans.allSatisfy { $0.context.traceIDBytes == cause.traceIDBytes })
        #expect(spans[1].context.parentIDBytes == cause.spanIDBytes)
        #expect(spans[0].context.parentIDBytes == spans[1].context.spanIDBytes)
        #expect(spans[0].context.spanIDBytes != spans[1].context.spanIDBytes)
        #expect(spans[1].kind == .server && spans[1].attributes.map(\.0) == ["size"])
        #expect(spans.allSatisfy { $0.start <= $0.end && $0.failure == nil })
    }

    @Test func `what is thrown marks the span as failed and goes on`() async {
        await #expect(throws: Refusal.self) {
            try await tracer.span("outer", below: TraceContext()) { throw Refusal() }
        }
        #expect(kept.spans.map(\.failure) == ["Refusal"])
        await #expect(throws: Problem.self) {
            try await tracer.span("outer", below: TraceContext()) {
                throw Problem(status: 409, code: "budget_exhausted", detail: "No budget.")
            }
        }
        #expect(kept.spans.last?.failure == "budget_exhausted")
    }

    @Test func `a trace that its caller does not want recorded leaves nothing`() async throws {
        let quiet = try #require(
            TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
        #expect(!tracer.records(quiet))
        let result = await tracer.span("work", below: quiet) { 5 }
        #expect(result == 5)
        #expect(kept.spans.isEmpty)
        #expect(!quiet.child().sampled)
    }

    @Test func `work outside of a trace leaves nothing`() async {
        await tracer.span("work") {}
        #expect(kept.spans.isEmpty)
    }

    @Test func `without a sink nothing is made up`() async {
        func never() -> String {
            Issue.record("a name was made")
            return ""
        }
        #expect(!Tracer.off.records(TraceContext()))
        #expect(Tracer.off.begin(never(), .client, below: TraceContext()) == nil)
        await Tracer.off.span(never(), below: TraceContext(), [("name", .text(never()))]) {}
    }
}
