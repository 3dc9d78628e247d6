internal import Kernel

/// The numbers of one client.
struct PostgresMetrics: Sendable {
    private let succeeded: Counter
    private let failed: Counter
    private let unavailable: Counter
    private let late: Counter
    private let canceled: Counter
    /// Connections lent out.
    let inUse: Gauge
    /// Callers who wait for one.
    let waiting: Gauge
    /// How long they waited.
    let wait: Histogram

    init(_ metrics: Metrics) {
        func queries(_ result: String) -> Counter {
            metrics.counter(
                "grapevine_postgres_queries_total", help: "Calls to PostgreSQL by result.",
                [("result", result)])
        }
        succeeded = queries("ok")
        failed = queries("error")
        unavailable = queries("unavailable")
        late = queries("timeout")
        canceled = queries("canceled")
        inUse = metrics.gauge(
            "grapevine_postgres_pool_in_use", help: "Leased connections in use.")
        waiting = metrics.gauge(
            "grapevine_postgres_pool_waiting", help: "Callers waiting for a leased connection.")
        wait = metrics.histogram(
            "grapevine_postgres_pool_wait_seconds", help: "Wait for a leased connection.")
    }

    func count(_ outcome: Submission.Outcome) {
        switch outcome {
        case .success: succeeded.increment()
        case .failure(let error): count(error)
        }
    }

    private func count(_ error: PostgresError) {
        switch error.code {
        case .unavailable, .commitUnknown, .closed: unavailable.increment()
        case .deadlineExceeded, .poolTimeout: late.increment()
        case .taskCanceled: canceled.increment()
        default: failed.increment()
        }
    }
}
