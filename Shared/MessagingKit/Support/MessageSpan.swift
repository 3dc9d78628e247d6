import Contracts
import Kernel

/// Spans of messages on their way through the log: one for each that somebody wants traced, below
/// what caused it.
enum MessageSpan {
    // MARK: - Into the log

    static func begin(_ messages: [LogMessage], _ tracer: Tracer) -> [(LogMessage, OpenSpan)] {
        guard tracer.sink != nil else { return [] }
        return messages.compactMap { message in
            tracer.begin("send \(message.type)", .producer, below: cause(message.traceparent))
                .map { (message, $0) }
        }
    }

    static func end(_ spans: [(LogMessage, OpenSpan)], failure: String?) {
        for (message, span) in spans {
            span.end(attributes("send", id: message.id, type: message.type), failure: failure)
        }
    }

    // MARK: - Out of the log

    static func begin(_ events: [LogEvent], _ tracer: Tracer) -> [(LogEvent, OpenSpan)] {
        guard tracer.sink != nil else { return [] }
        return events.compactMap { event in
            // Clients give their events names without number, which must not name spans.
            let type = event.trust == .internal ? event.type : "client event"
            return tracer.begin("process \(type)", .consumer, below: cause(event.traceparent))
                .map { (event, $0) }
        }
    }

    static func end(_ spans: [(LogEvent, OpenSpan)], subscriber: String, failure: String?) {
        for (event, span) in spans {
            span.end(
                attributes("process", id: event.eventID, type: event.type)
                    + [("messaging.consumer.group.name", .text(subscriber))],
                failure: failure)
        }
    }

    private static func cause(_ traceparent: String?) -> TraceContext? {
        traceparent.flatMap { TraceContext(traceparent: $0) }
    }

    /// As OpenTelemetry names them.
    private static func attributes(
        _ operation: String, id: String, type: String
    ) -> [(String, Span.Value)] {
        [
            ("messaging.system", "grapevine"), ("messaging.destination.name", "log"),
            ("messaging.operation.type", .text(operation)), ("messaging.message.id", .text(id)),
            ("grapevine.message.type", .text(type)),
        ]
    }
}
