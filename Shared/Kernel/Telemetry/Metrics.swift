import Synchronization

/// Counters, gauges and histograms of one process, rendered as Prometheus text.
///
/// Names are `grapevine_…` with the unit as suffix. Label values must come from a bounded set
/// (a route template, never a path); beyond 2,000 series a metric folds new ones into `other`.
package final class Metrics: Sendable {
    private let families = Mutex<[String: MetricFamily]>([:])

    package init() {}

    /// A number that only grows. The same name and labels give the same counter.
    package func counter(_ name: String, help: String, _ labels: [(String, String)] = []) -> Counter
    {
        let cell = cell(name, help: help, kind: .counter, labels: labels)
        return Counter(cell: cell)
    }

    /// A number that goes up and down.
    package func gauge(_ name: String, help: String, _ labels: [(String, String)] = []) -> Gauge {
        let cell = cell(name, help: help, kind: .gauge, labels: labels)
        return Gauge(cell: cell)
    }

    /// A span of time that goes up and down, shown in seconds.
    package func durationGauge(
        _ name: String, help: String, _ labels: [(String, String)] = []
    ) -> DurationGauge {
        let cell = cell(name, help: help, kind: .durationGauge, labels: labels)
        return DurationGauge(cell: cell)
    }

    /// A distribution of seconds, in fixed buckets from 0.5 ms to 10 s.
    package func histogram(
        _ name: String, help: String, _ labels: [(String, String)] = []
    ) -> Histogram {
        let cell = cell(name, help: help, kind: .histogram, labels: labels)
        return Histogram(cell: cell)
    }

    /// The whole registry in the text format 0.0.4, families sorted by name.
    package func render() -> String {
        let snapshot = families.withLock { $0 }
        return snapshot.values.sorted { $0.name < $1.name }.map { $0.render() }.joined()
    }

    private func cell(
        _ name: String, help: String, kind: MetricFamily.Kind, labels: [(String, String)]
    ) -> MetricCell {
        families.withLock { families in
            var family =
                families[name] ?? MetricFamily(name: name, help: help, kind: kind, cells: [:])
            let cell = family.cell(labels)
            families[name] = family
            return cell
        }
    }
}

/// A number that only grows.
package struct Counter: Sendable {
    fileprivate let cell: MetricCell

    /// `amount` is not negative.
    package func increment(by amount: Int = 1) {
        cell.units.add(amount, ordering: .relaxed)
    }

    package var value: Int { cell.units.load(ordering: .relaxed) }
}

/// A number that goes up and down.
package struct Gauge: Sendable {
    fileprivate let cell: MetricCell

    /// Replaces the value.
    package func set(_ value: Int) { cell.units.store(value, ordering: .relaxed) }
    /// Moves the value up, or down by a negative amount.
    package func add(_ amount: Int) { cell.units.add(amount, ordering: .relaxed) }
    package var value: Int { cell.units.load(ordering: .relaxed) }
}

/// A span of time that goes up and down.
package struct DurationGauge: Sendable {
    fileprivate let cell: MetricCell

    /// Replaces the value; kept in microseconds.
    package func set(_ value: Duration) {
        cell.units.store(Int(value.wholeMicroseconds), ordering: .relaxed)
    }

    package var value: Duration { .microseconds(cell.units.load(ordering: .relaxed)) }
}

/// A distribution of durations.
package struct Histogram: Sendable {
    fileprivate let cell: MetricCell

    /// Counts one duration into its bucket.
    package func observe(_ duration: Duration) {
        let microseconds = Int(duration.wholeMicroseconds)
        cell.units.add(1, ordering: .relaxed)
        cell.sum.add(microseconds, ordering: .relaxed)
        cell.buckets.observe(microseconds)
    }

    package var count: Int { cell.units.load(ordering: .relaxed) }
}

/// The numbers of one series; shared by every handle with the same labels.
final class MetricCell: Sendable {
    let units = Atomic<Int>(0)
    let sum = Atomic<Int>(0)
    let buckets = MetricBuckets()
}

/// Cumulative-on-render buckets with atomic counts.
final class MetricBuckets: Sendable {
    /// Upper bounds in microseconds, and how Prometheus wants them written, in seconds.
    static let bounds: [(microseconds: Int, text: String)] = [
        (500, "0.0005"), (1000, "0.001"), (2500, "0.0025"), (5000, "0.005"), (10_000, "0.01"),
        (25_000, "0.025"), (50_000, "0.05"), (100_000, "0.1"), (250_000, "0.25"),
        (500_000, "0.5"), (1_000_000, "1"), (2_500_000, "2.5"), (10_000_000, "10"),
    ]

    private let counts = Mutex([Int](repeating: 0, count: MetricBuckets.bounds.count))

    func observe(_ microseconds: Int) {
        guard let index = Self.bounds.firstIndex(where: { microseconds <= $0.microseconds })
        else { return }
        counts.withLock { $0[index] += 1 }
    }

    func snapshot() -> [Int] { counts.withLock { $0 } }
}

struct MetricFamily: Sendable {
    enum Kind: String {
        case counter, gauge, histogram, durationGauge

        /// As Prometheus calls it.
        var word: String { self == .durationGauge ? "gauge" : rawValue }
    }

    static let maximumSeries = 2000

    let name: String
    let help: String
    let kind: Kind
    var cells: [String: MetricCell]

    mutating func cell(_ labels: [(String, String)]) -> MetricCell {
        var key = Self.text(labels)
        if cells[key] == nil, cells.count >= Self.maximumSeries {
            key = Self.text(labels.map { ($0.0, "other") })
        }
        if let cell = cells[key] { return cell }
        let cell = MetricCell()
        cells[key] = cell
        return cell
    }

    func render() -> String {
        var text = "# HELP \(name) \(help)\n# TYPE \(name) \(kind.word)\n"
        for (labels, cell) in cells.sorted(by: { $0.key < $1.key }) {
            switch kind {
            case .histogram: text += histogram(labels, cell)
            case .durationGauge: text += seconds(labels, cell)
            case .counter, .gauge: text += line(name, labels, cell.units)
            }
        }
        return text
    }

    private func seconds(_ labels: String, _ cell: MetricCell) -> String {
        let value = Double(cell.units.load(ordering: .relaxed)) / 1e6
        return "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
    }

    private func line(_ name: String, _ labels: String, _ value: borrowing Atomic<Int>) -> String {
        "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value.load(ordering: .relaxed))\n"
    }

    private func histogram(_ labels: String, _ cell: MetricCell) -> String {
        let comma = labels.isEmpty ? "" : ","
        var total = 0
        var text = ""
        for (bound, count) in zip(MetricBuckets.bounds, cell.buckets.snapshot()) {
            total += count
            text += "\(name)_bucket{\(labels)\(comma)le=\"\(bound.text)\"} \(total)\n"
        }
        let count = max(total, cell.units.load(ordering: .relaxed))
        let seconds = Double(cell.sum.load(ordering: .relaxed)) / 1e6
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        text += "\(name)_bucket{\(labels)\(comma)le=\"+Inf\"} \(count)\n"
        return text + "\(name)_sum\(braces) \(seconds)\n\(name)_count\(braces) \(count)\n"
    }

    private static func text(_ labels: [(String, String)]) -> String {
        labels.map { name, value in
            // By scalars: as a character, CR LF would be one, and its line feed not seen.
            let escaped = value.unicodeScalars.map { scalar -> String in
                switch scalar {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(scalar)
                }
            }
            return "\(name)=\"\(escaped.joined())\""
        }.joined(separator: ",")
    }
}
