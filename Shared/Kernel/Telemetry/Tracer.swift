/// Makes spans. When it is off, or the caller does not want its trace recorded, it makes none and
/// costs next to nothing.
package struct Tracer: Sendable {
    /// Where spans go; nil makes none.
    package let sink: (any SpanSink)?

    /// A tracer into a sink; nil makes none.
    package init(_ sink: (any SpanSink)?) {
        self.sink = sink
    }

    /// Makes none.
    package static let off = Tracer(nil)

    /// Whether work of this trace is recorded.
    package func records(_ trace: TraceContext?) -> Bool {
        guard sink != nil, let trace else { return false }
        return trace.sampled
    }

    /// Begins a span below `parent`; nil when it is not recorded. Whoever begins it ends it.
    package func begin(
        _ name: @autoclosure () -> String, _ kind: Span.Kind,
        below parent: TraceContext? = TraceContext.current
    ) -> OpenSpan? {
        guard let sink, let parent, parent.sampled else { return nil }
        return OpenSpan(
            sink: sink, context: parent.child(), name: name(), kind: kind, start: Span.now())
    }

    /// Runs `body` as a span below `parent`, which is then the current one. What it throws marks
    /// the span as failed.
    package func span<Value>(
        _ name: @autoclosure () -> String, _ kind: Span.Kind = .internal,
        below parent: TraceContext? = TraceContext.current,
        _ attributes: @autoclosure () -> [(String, Span.Value)] = [],
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        guard let open = begin(name(), kind, below: parent) else { return try await body() }
        do {
            let value = try await TraceContext.$current.withValue(open.context) {
                try await body()
            }
            open.end(attributes())
            return value
        } catch {
            open.end(attributes(), failure: Self.label(error))
            throw error
        }
    }

    /// What a failure is called: a problem's code, else the error's type.
    package static func label(_ error: any Error) -> String {
        (error as? Problem)?.code ?? "\(type(of: error))"
    }
}

/// A span that has begun.
package struct OpenSpan: Sendable {
    fileprivate let sink: any SpanSink
    /// For what belongs below it.
    package let context: TraceContext
    fileprivate let name: String
    fileprivate let kind: Span.Kind
    fileprivate let start: Int64

    /// Hands the span over. Once.
    package func end(_ attributes: [(String, Span.Value)] = [], failure: String? = nil) {
        sink.add(
            Span(
                context: context, name: name, kind: kind, start: start, end: Span.now(),
                attributes: attributes, failure: failure))
    }
}
