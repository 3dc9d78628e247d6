/// Which trace a piece of work belongs to.
///
/// Source: W3C Trace Context, version 00 of `traceparent`.
package struct TraceContext: Sendable, Hashable {
    /// 32 lower-case hexadecimal digits, not all zero.
    package let traceID: String
    /// 16 lower-case hexadecimal digits, not all zero.
    package let spanID: String
    package let sampled: Bool

    /// The trace that the current task works for; set by the HTTP server and the workflow engine.
    @TaskLocal package static var current: TraceContext?

    /// A new trace.
    package init(random: () -> UInt64 = { UInt64.random(in: 1 ... .max) }) {
        traceID = Self.hex(random()) + Self.hex(random())
        spanID = Self.hex(random())
        sampled = true
    }

    /// Reads a `traceparent` header; nil when it is malformed, so that a new trace is begun.
    package init?(traceparent: String) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, Self.isHex(parts[0], digits: 2), parts[0] != "ff",
            parts[0] != "00" || parts.count == 4,
            Self.isID(parts[1], digits: 32), Self.isID(parts[2], digits: 16),
            Self.isHex(parts[3], digits: 2), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        traceID = String(parts[1])
        spanID = String(parts[2])
        sampled = flags & 1 == 1
    }

    private init(traceID: String, spanID: String, sampled: Bool) {
        self.traceID = traceID
        self.spanID = spanID
        self.sampled = sampled
    }

    /// The header value.
    package var traceparent: String { "00-\(traceID)-\(spanID)-\(sampled ? "01" : "00")" }

    /// The same trace, one span further.
    package func child(random: () -> UInt64 = { UInt64.random(in: 1 ... .max) }) -> TraceContext {
        TraceContext(traceID: traceID, spanID: Self.hex(random()), sampled: sampled)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func isID(_ text: Substring, digits: Int) -> Bool {
        isHex(text, digits: digits) && text.utf8.contains { $0 != UInt8(ascii: "0") }
    }

    private static func isHex(_ text: Substring, digits: Int) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
