import Kernel
import Testing

@Suite struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let span = "b7ad6b7169203331"

    // Source: W3C Trace Context §3.2 and its test suite.
    @Test func `a traceparent is read and written`() throws {
        let text = "00-\(Self.trace)-\(Self.span)-01"
        let context = try #require(TraceContext(traceparent: text))
        #expect(context.traceID == Self.trace && context.spanID == Self.span && context.sampled)
        #expect(context.traceparent == text)
        let quiet = try #require(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-00"))
        #expect(!quiet.sampled)
    }

    @Test func `a later version may bring more fields`() {
        #expect(TraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01-what") != nil)
        #expect(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01-what") == nil)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "ff-\(trace)-\(span)-01", "0-\(trace)-\(span)-01",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "00-\(trace.uppercased())-\(span)-01", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-xy",
        "00-\(trace)-\(span)-+1", "00-\(trace)-\(span)-0A", "zz-\(trace)-\(span)-01",
        "0A-\(trace)-\(span)-01", "00-\(trace)0-\(span)-01", "00-\(trace)-\(span)0-01",
        " 00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01 ", "00_\(trace)_\(span)_01",
    ])
    func `a malformed traceparent begins a new trace`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func `a child stays in the trace and gets its own span`() throws {
        let parent = TraceContext(random: { 5 })
        #expect(parent.traceparent == "00-00000000000000050000000000000005-0000000000000005-01")
        let child = parent.child(random: { 6 })
        #expect(child.traceID == parent.traceID)
        #expect(child.spanID == "0000000000000006")
        #expect(TraceContext().traceID != TraceContext().traceID)
    }

    @Test func `the current trace follows a task`() async {
        #expect(TraceContext.current == nil)
        let trace = TraceContext()
        await TraceContext.$current.withValue(trace) {
            await Task {
                #expect(TraceContext.current == trace)
            }.value
        }
    }
}
