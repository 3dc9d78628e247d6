import FoundationEssentials
import Glibc
package import Kernel
import Synchronization

/// Kills this process at one declared crash point. For tests of what survives a crash.
///
/// `GRAPEVINE_CRASH_AT` is `<point>` or `<point>:<nth>` (`event.ingest.before_commit:3`). The
/// point's name is written to the file `GRAPEVINE_CRASH_MARK` first, so that a test can tell this
/// death from any other, then the process dies by SIGKILL: no clean-up runs, as in a power cut.
package final class ProcessFaults: FaultInjector {
    private let point: CrashPoint
    private let markPath: String?
    private let remaining: Mutex<Int>

    /// Nil when `crashAt` is nil, and, with an error in the log, when it names no declared point.
    package static func make(
        crashAt: String?, markPath: String?, declared: [CrashPoint], logger: Logger
    ) -> (any FaultInjector)? {
        guard let crashAt else { return nil }
        let parts = crashAt.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let count = parts.count == 2 ? Int(parts[1]) : 1
        guard let point = declared.first(where: { $0.description == parts[0] }),
            let count, count > 0
        else {
            logger.error(
                "GRAPEVINE_CRASH_AT names no crash point of this service; ignored",
                [("crash_at", .text(crashAt))])
            return nil
        }
        logger.warning(
            "this process will kill itself at a crash point",
            [("point", .text(point.description)), ("nth", .integer(count))])
        return ProcessFaults(point: point, nth: count, markPath: markPath)
    }

    private init(point: CrashPoint, nth: Int, markPath: String?) {
        self.point = point
        self.markPath = markPath
        remaining = Mutex(nth)
    }

    /// Does not return when this is the point and the time.
    package func reach(_ point: CrashPoint) {
        guard point == self.point else { return }
        let isTime = remaining.withLock { remaining in
            remaining -= 1
            return remaining == 0
        }
        guard isTime else { return }
        if let markPath { Self.mark(markPath, point.description + "\n") }
        kill(getpid(), SIGKILL)
        while true { pause() }
    }

    private static func mark(_ path: String, _ text: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        Array(text.utf8).withUnsafeBytes { buffer in
            _ = write(descriptor, buffer.baseAddress, buffer.count)
        }
        fsync(descriptor)
        close(descriptor)
    }
}
