import Glibc
import Kernel
import Synchronization

/// SIGTERM and SIGINT as something that can be awaited.
///
/// The handler only writes a byte to a pipe, which is allowed in a handler and works on whatever
/// thread the system picks; a thread of ours reads it. A second signal ends the process at once.
enum ShutdownSignal {
    private static let writeEnd = Atomic<Int32>(-1)
    private static let readEnd = Atomic<Int32>(-1)
    private static let count = Atomic<Int>(0)

    /// Installs the handlers. Call once, first thing in the process.
    static func install() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "The system gives no pipe.")
        readEnd.store(ends[0], ordering: .releasing)
        writeEnd.store(ends[1], ordering: .releasing)
        _ = count.load(ordering: .relaxed)
        signal(SIGTERM, handle)
        signal(SIGINT, handle)
        // A peer that went away is an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for the first signal.
    static func first() async {
        await withCheckedContinuation { continuation in
            let descriptor = readEnd.load(ordering: .acquiring)
            let isStarted = DedicatedThread.start {
                var byte: UInt8 = 0
                while read(descriptor, &byte, 1) < 0, errno == EINTR {}
                continuation.resume()
            }
            precondition(isStarted, "The system gives no more threads.")
        }
    }

    private static let handle: @convention(c) (Int32) -> Void = { number in
        let before = errno
        if count.wrappingAdd(1, ordering: .relaxed).newValue > 1 { _exit(128 + number) }
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(writeEnd.load(ordering: .acquiring), &byte, 1)
        errno = before
    }
}
