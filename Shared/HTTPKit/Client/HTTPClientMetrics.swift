import Kernel
import Synchronization

/// The numbers of a client. Keeps the series' handles, because looking one up costs more.
final class HTTPClientMetrics: Sendable {
    private let metrics: Metrics
    private let counters = Mutex<[String: [String: Counter]]>([:])
    private let durations = Mutex<[String: Histogram]>([:])

    init(_ metrics: Metrics) {
        self.metrics = metrics
    }

    /// One attempt: `result` is a status class (`2xx`) or the code of an error.
    func count(peer: String, result: String, took duration: Duration?) {
        counter(peer, result).increment()
        if let duration { histogram(peer).observe(duration) }
    }

    private func counter(_ peer: String, _ result: String) -> Counter {
        if let known = counters.withLock({ $0[peer]?[result] }) { return known }
        let counter = metrics.counter(
            "grapevine_http_client_requests_total", help: "Requests sent, by how they ended.",
            [("peer", peer), ("result", result)])
        counters.withLock { $0[peer, default: [:]][result] = counter }
        return counter
    }

    private func histogram(_ peer: String) -> Histogram {
        if let known = durations.withLock({ $0[peer] }) { return known }
        let histogram = metrics.histogram(
            "grapevine_http_client_request_duration_seconds",
            help: "From sending a request to its whole response or its failure.", [("peer", peer)])
        durations.withLock { $0[peer] = histogram }
        return histogram
    }
}
