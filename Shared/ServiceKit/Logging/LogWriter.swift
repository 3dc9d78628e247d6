import Dispatch
import Glibc
package import Kernel
import Synchronization

/// Collects log lines in memory and writes them to a file descriptor from its own thread.
///
/// A caller pays for copying its line under a lock, never for the write: a reader that stops
/// reading (a full pipe) cannot stop the service. Lines reach the descriptor at most `delay` after
/// they were logged, at once after a warning or an error, and at `flush`. When the buffer is half
/// full, lines below `warning` (access lines, that is) are dropped and counted; when it is full,
/// all are. The count is logged with the next batch and kept in a metric.
package final class LogWriter: Sendable {
    /// How long lines wait for company.
    static let delay: Duration = .milliseconds(50)
    /// How much may wait before it is written without waiting for more.
    static let eagerBytes = 256 << 10

    private struct State {
        var buffer: [UInt8] = []
        /// Lines were handed over that the thread has not yet written.
        var isWriting = false
        var dropped = 0
        var isClosed = false
    }

    private let descriptor: Int32
    private let capacityBytes: Int
    private let state: Mutex<State>
    /// Signalled when the buffer stops being empty.
    private let filled = DispatchSemaphore(value: 0)
    /// Signalled when the thread should not wait for company.
    private let urgent = DispatchSemaphore(value: 0)
    private let droppedTotal: Counter?

    /// Starts the thread. It ends with `close`.
    ///
    /// - Parameters:
    ///   - descriptor: where to write; not closed by the writer.
    ///   - capacityBytes: how much may wait for a slow reader.
    ///   - metrics: where dropped lines are counted (`grapevine_log_lines_dropped_total`).
    package init(
        descriptor: Int32 = STDOUT_FILENO, capacityBytes: Int = 8 << 20, metrics: Metrics? = nil
    ) {
        self.descriptor = descriptor
        self.capacityBytes = capacityBytes
        var initial = State()
        initial.buffer.reserveCapacity(min(capacityBytes, 64 << 10))
        state = Mutex(initial)
        droppedTotal = metrics?.counter(
            "grapevine_log_lines_dropped_total",
            help: "Log lines dropped because nobody read them fast enough.")
        let isStarted = DedicatedThread.start { [self] in run() }
        precondition(isStarted, "The system gives no more threads.")
    }

    /// Takes one line without its line feed. Returns at once, whatever the reader does.
    package func write(_ line: String) {
        let matters = Self.matters(line)
        var line = line
        let sizes = line.withUTF8 { bytes in
            state.withLock { state -> (before: Int, after: Int)? in
                let before = state.buffer.count
                let limit = matters ? capacityBytes : capacityBytes / 2
                guard !state.isClosed, before + bytes.count < limit else {
                    state.dropped += 1
                    return nil
                }
                state.buffer.append(contentsOf: bytes)
                state.buffer.append(UInt8(ascii: "\n"))
                return (before, state.buffer.count)
            }
        }
        guard let sizes else {
            droppedTotal?.increment()
            return
        }
        if sizes.before == 0 { filled.signal() }
        let isMuch = sizes.before < Self.eagerBytes && sizes.after >= Self.eagerBytes
        if matters || isMuch { urgent.signal() }
    }

    /// Waits until every line so far is written, at most `limit`. Blocks the calling thread: for
    /// the end of a process and for tests.
    ///
    /// - Returns: whether all of them are written.
    @discardableResult
    package func flush(within limit: Duration = .seconds(2)) -> Bool {
        urgent.signal()
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if state.withLock({ $0.buffer.isEmpty && !$0.isWriting }) { return true }
            usleep(500)
        }
        return false
    }

    /// Writes what waits, at most for `limit`, and ends the thread; later lines are dropped.
    package func close(within limit: Duration = .seconds(2)) {
        flush(within: limit)
        state.withLock { $0.isClosed = true }
        filled.signal()
    }

    private func run() {
        var batch: [UInt8] = []
        while true {
            filled.wait()
            // A signal left from an earlier batch only makes this one leave sooner.
            _ = urgent.wait(timeout: .now() + .milliseconds(Int(Self.delay.wholeMilliseconds)))
            batch.removeAll(keepingCapacity: batch.capacity <= 1 << 20)
            let (dropped, isClosed) = state.withLock { state -> (Int, Bool) in
                swap(&batch, &state.buffer)
                state.isWriting = !batch.isEmpty
                defer { state.dropped = 0 }
                return (state.dropped, state.isClosed)
            }
            if dropped > 0, !isClosed { batch += Self.notice(of: dropped) }
            writeAll(batch)
            state.withLock { $0.isWriting = false }
            if isClosed { return }
        }
    }

    private func writeAll(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.start, rest.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EAGAIN {
                    usleep(1000)
                } else if !(written < 0 && errno == EINTR) {
                    // Nobody will ever read it: a closed pipe or a full disk.
                    return
                }
            }
        }
    }

    private static func notice(of dropped: Int) -> [UInt8] {
        let line =
            "{\"time\":\"\(SystemClock().now())\",\"level\":\"warning\","
            + "\"message\":\"log lines dropped\",\"lines\":\(dropped)}\n"
        return Array(line.utf8)
    }

    /// Whether the line's level, which `Logger` writes right after the time, is warning or above.
    private static func matters(_ line: String) -> Bool {
        let head = line.utf8.prefix(64)
        guard let comma = head.firstIndex(of: UInt8(ascii: ",")) else { return true }
        let level = head[comma...].dropFirst(10)
        return level.starts(with: "warning\"".utf8) || level.starts(with: "error\"".utf8)
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Where the slice begins; only for non-empty slices.
    fileprivate var start: UnsafeRawPointer? { base.baseAddress?.advanced(by: startIndex) }
}
