#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Threads of our own, for loops and calls that block, which the cooperative pool must never do.
package enum DedicatedThread {
    /// What a new thread runs; owned by the thread from its first instruction on.
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a detached thread. False when the system gives no thread.
    ///
    /// Signals are blocked there, except those of a crash: a write to a closed socket must not end
    /// the process by SIGPIPE, and SIGTERM belongs to whoever handles it.
    package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        guard pthread_create(&thread, nil, enter, box.toOpaque()) == 0 else {
            box.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// Runs `body` on a thread of its own and suspends until it is done. When the system gives no
    /// thread it runs on the caller's.
    package static func run(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            let isStarted = start {
                body()
                continuation.resume()
            }
            guard !isStarted else { return }
            body()
            continuation.resume()
        }
    }

    private static let enter:
        @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            var signals = sigset_t()
            sigfillset(&signals)
            for crash in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] {
                sigdelset(&signals, crash)
            }
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            guard let argument else { return nil }
            Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }
}
