package import Kernel
import Synchronization

/// Keeps log lines, so that a test can ask what was said (and that no secret was).
package final class RecordedLog: Sendable {
    private let recorded = Mutex<[String]>([])

    package init() {}

    /// Every line so far, without line feeds, in order.
    package var lines: [String] { recorded.withLock { $0 } }

    /// A logger that writes here, from `debug` upwards.
    package func logger(clock: any TimeSource = SystemClock()) -> Logger {
        Logger(minimum: .debug, clock: clock) { [self] line in
            recorded.withLock { $0.append(line) }
        }
    }

    /// Whether a line contains the text.
    package func contains(_ text: String) -> Bool {
        recorded.withLock { lines in lines.contains { $0.contains(text) } }
    }
}
