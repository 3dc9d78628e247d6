import Kernel
import Synchronization

/// Counts and times the requests of one route. Finds its metrics once, not per request.
final class RouteMeter: Sendable {
    private let metrics: Metrics
    private let audience: String
    private let template: String
    private let durations: Histogram
    private let counters = Mutex<[Int: Counter]>([:])

    init(_ metrics: Metrics, audience: String, template: String) {
        self.metrics = metrics
        self.audience = audience
        self.template = template
        durations = metrics.histogram(
            "grapevine_http_request_duration_seconds",
            help: "Time from the end of the headers to the end of the answer.",
            [("audience", audience), ("route", template)])
    }

    func record(_ method: HTTPMethod?, status: Int, nanoseconds: Int64) {
        durations.observe(.nanoseconds(nanoseconds))
        let position = method.flatMap { HTTPMethod.allCases.firstIndex(of: $0) } ?? -1
        let counter = counters.withLock { counters in
            let key = position * 1000 + status
            if let counter = counters[key] { return counter }
            let counter = metrics.counter(
                "grapevine_http_requests_total", help: "Requests by outcome.",
                [
                    ("audience", audience), ("route", template),
                    ("method", method?.rawValue ?? "other"), ("status", String(status)),
                ])
            counters[key] = counter
            return counter
        }
        counter.increment()
    }
}
