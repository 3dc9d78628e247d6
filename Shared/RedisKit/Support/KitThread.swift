import Glibc

/// Threads of this kit: for loops that wait on sockets, which must never hold a cooperative thread.
enum KitThread {
    /// What a new thread runs; owned by the thread from its first instruction on.
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a detached thread of its own. False when the system gives no thread.
    ///
    /// Signals are blocked there, except those of a crash: a write to a closed socket must not end
    /// the process by SIGPIPE, and SIGTERM belongs to whoever handles it.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let box = unsafe Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, nil, enter, box.toOpaque())
        guard code == 0 else {
            unsafe box.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private static let enter:
        @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
            { argument in
                var signals = sigset_t()
                unsafe sigfillset(&signals)
                for crash in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] {
                    unsafe sigdelset(&signals, crash)
                }
                unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }
}
