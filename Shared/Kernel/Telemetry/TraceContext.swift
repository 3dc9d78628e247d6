/// Which trace a piece of work belongs to.
///
/// Source: W3C Trace Context, version 00 of `traceparent`.
package struct TraceContext: Sendable, Hashable {
    /// 32 lower-case hexadecimal digits, not all zero.
    package var traceID: String { Self.hex(traceHigh, traceLow) }
    /// 16 lower-case hexadecimal digits, not all zero.
    package var spanID: String { Self.hex(span) }
    package let sampled: Bool
    // Kept as numbers: every request has a trace, few ever write it out.
    private let traceHigh: UInt64
    private let traceLow: UInt64
    private let span: UInt64
    /// The span that this one belongs below; 0 for none.
    private let parent: UInt64

    /// The trace that the current task works for; set by the HTTP server and the workflow engine.
    @TaskLocal package static var current: TraceContext?

    /// A new trace. The bits must not be all zero.
    package init(random: () -> UInt64 = { UInt64.random(in: 1 ... .max) }) {
        self.init(high: random(), low: random(), span: random(), parent: 0, sampled: true)
    }

    /// Reads a `traceparent` header; nil when it is malformed, so that a new trace is begun.
    package init?(traceparent: String) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, Self.isHex(parts[0], digits: 2), parts[0] != "ff",
            parts[0] != "00" || parts.count == 4,
            Self.isHex(parts[1], digits: 32), Self.isHex(parts[3], digits: 2),
            let high = Self.number(parts[1].prefix(16)), let low = Self.number(parts[1].suffix(16)),
            high | low != 0, let span = Self.number(parts[2]), span != 0,
            let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        self.init(high: high, low: low, span: span, parent: 0, sampled: flags & 1 == 1)
    }

    private init(high: UInt64, low: UInt64, span: UInt64, parent: UInt64, sampled: Bool) {
        traceHigh = high
        traceLow = low
        self.span = span
        self.parent = parent
        self.sampled = sampled
    }

    /// The header value.
    package var traceparent: String { "00-\(traceID)-\(spanID)-\(sampled ? "01" : "00")" }

    /// The same trace, one span further.
    package func child(random: () -> UInt64 = { UInt64.random(in: 1 ... .max) }) -> TraceContext {
        TraceContext(
            high: traceHigh, low: traceLow, span: random(), parent: span, sampled: sampled)
    }

    /// The trace's id as 16 bytes.
    package var traceIDBytes: [UInt8] { Self.bytes(traceHigh) + Self.bytes(traceLow) }
    /// The span's id as 8 bytes.
    package var spanIDBytes: [UInt8] { Self.bytes(span) }
    /// The id of the span that this one belongs below, as 8 bytes; nil for the first of a trace,
    /// and for one that was read from a header.
    package var parentIDBytes: [UInt8]? { parent == 0 ? nil : Self.bytes(parent) }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64((7 - $0) * 8)) }
    }

    private static func hex(_ words: UInt64...) -> String {
        String(unsafeUninitializedCapacity: words.count * 16) { buffer in
            for (position, word) in words.enumerated() {
                for index in 0..<16 {
                    let digit = UInt8(truncatingIfNeeded: word >> UInt64((15 - index) * 4) & 15)
                    buffer[position * 16 + index] = digit < 10 ? 48 + digit : 87 + digit
                }
            }
            return words.count * 16
        }
    }

    /// 16 lower-case hexadecimal digits as a number.
    private static func number(_ text: Substring) -> UInt64? {
        isHex(text, digits: 16) ? UInt64(text, radix: 16) : nil
    }

    private static func isHex(_ text: Substring, digits: Int) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
