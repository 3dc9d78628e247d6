import Kernel

/// `ExportTraceServiceRequest` of opentelemetry-proto 1.x, written by hand: three levels of
/// wrapping around a list of spans.
enum OTLPRequest {
    /// - Parameter resource: who reports (`service.name`).
    static func encode(_ spans: [Span], resource: [(String, Span.Value)]) -> [UInt8] {
        var request = ProtobufWriter()
        // resource_spans
        request.message(1) { group in
            // resource
            group.message(1) { inner in
                for attribute in resource { Self.attribute(1, attribute, &inner) }
            }
            // scope_spans
            group.message(2) { scoped in
                scoped.message(1) { scope in
                    scope.text(1, "grapevine")
                    scope.text(2, Version.current)
                }
                for span in spans { scoped.message(2) { write(span, &$0) } }
            }
        }
        return request.bytes
    }

    private static func write(_ span: Span, _ message: inout ProtobufWriter) {
        message.bytes(1, span.context.traceIDBytes)
        message.bytes(2, span.context.spanIDBytes)
        if let parent = span.context.parentIDBytes { message.bytes(4, parent) }
        message.text(5, span.name)
        message.number(6, span.kind.rawValue)
        message.fixed64(7, span.start)
        message.fixed64(8, max(span.start, span.end))
        for attribute in span.attributes { Self.attribute(9, attribute, &message) }
        if let failure = span.failure {
            Self.attribute(9, ("error.type", .text(failure)), &message)
            // status: code ERROR
            message.message(15) { $0.number(3, 2) }
        }
        // flags: the trace is sampled
        message.fixed32(16, 1)
    }

    private static func attribute(
        _ field: Int, _ attribute: (String, Span.Value), _ message: inout ProtobufWriter
    ) {
        message.message(field) { pair in
            pair.text(1, attribute.0)
            pair.message(2) { value in
                switch attribute.1 {
                case .text(let text): value.text(1, text)
                case .integer(let number): value.chosenNumber(3, number)
                }
            }
        }
    }
}
