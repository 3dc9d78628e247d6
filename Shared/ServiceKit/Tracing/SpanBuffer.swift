import Kernel
import Synchronization

/// Finished spans that wait to be sent. Bounded: when the collector is away, new ones are dropped
/// and counted, and nobody waits.
final class SpanBuffer: SpanSink {
    /// Why spans were not exported; the metric's label.
    enum Loss: String, CaseIterable {
        /// Too many were waiting.
        case full
        /// The collector does not want them.
        case refused
        /// The process ended before the collector took them.
        case ended
    }

    private let limit: Int
    private let waiting = Mutex<[Span]>([])
    private let dropped: [Loss: Counter]

    /// - Parameter limit: the most spans that wait.
    init(limit: Int = 8192, metrics: Metrics) {
        self.limit = limit
        dropped = Dictionary(
            uniqueKeysWithValues: Loss.allCases.map { loss in
                let counter = metrics.counter(
                    "grapevine_trace_spans_dropped_total", help: "Spans that were not exported.",
                    [("reason", loss.rawValue)])
                return (loss, counter)
            })
    }

    func add(_ span: Span) {
        let isTaken = waiting.withLock { waiting in
            guard waiting.count < limit else { return false }
            waiting.append(span)
            return true
        }
        if !isTaken { drop(1, .full) }
    }

    var count: Int { waiting.withLock { $0.count } }

    /// The oldest spans, at most so many.
    func take(_ limit: Int) -> [Span] {
        waiting.withLock { waiting in
            guard waiting.count > limit else {
                defer { waiting = [] }
                return waiting
            }
            defer { waiting.removeFirst(limit) }
            return Array(waiting.prefix(limit))
        }
    }

    /// Counts spans that nobody will get.
    func drop(_ count: Int, _ loss: Loss) {
        if count > 0 { dropped[loss]?.increment(by: count) }
    }
}
