#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One piece of work of a trace, finished: what OpenTelemetry calls a span.
package struct Span: Sendable {
    /// Which side of a call it is.
    package enum Kind: Int, Sendable {
        // The numbers are those of opentelemetry.proto.trace.v1.Span.SpanKind.
        case `internal` = 1
        case server, client, producer, consumer
    }

    /// A value beside the name. Never a person's data.
    package enum Value: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
        ExpressibleByStringInterpolation
    {
        case text(String)
        case integer(Int)

        /// A text, written as it is.
        package init(stringLiteral value: String) { self = .text(value) }
        /// A number, written as it is.
        package init(integerLiteral value: Int) { self = .integer(value) }
    }

    /// Its own trace and id, with its parent's id.
    package let context: TraceContext
    /// From a bounded set: a route, a step, a type; never an id.
    package let name: String
    /// Which side of a call it is.
    package let kind: Kind
    /// Nanoseconds since 1970.
    package let start: Int64
    /// Nanoseconds since 1970.
    package let end: Int64
    /// Named as in OpenTelemetry's semantic conventions where they have a name for it.
    package let attributes: [(String, Value)]
    /// What kind of failure, when it failed (`error.type`); no data.
    package let failure: String?

    /// A finished piece of work.
    package init(
        context: TraceContext, name: String, kind: Kind, start: Int64, end: Int64,
        attributes: [(String, Value)], failure: String?
    ) {
        self.context = context
        self.name = name
        self.kind = kind
        self.start = start
        self.end = end
        self.attributes = attributes
        self.failure = failure
    }

    /// The time for `start` and `end`.
    package static func now() -> Int64 {
        var value = timespec()
        clock_gettime(CLOCK_REALTIME, &value)
        return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }
}

/// Where finished spans go.
package protocol SpanSink: AnyObject, Sendable {
    /// Takes a span or drops and counts it; never blocks.
    func add(_ span: Span)
}
