import Glibc

/// Threads for work that blocks, which the cooperative pool must not do.
enum BackgroundThread {
    private final class Work: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs work on a new, detached thread. False when the system has none left.
    @discardableResult
    static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let owned = unsafe Unmanaged.passRetained(Work(run)).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { closure in
                guard let closure = unsafe closure else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(closure).takeRetainedValue().run()
                return nil
            }, owned)
        guard status == 0 else {
            unsafe Unmanaged<Work>.fromOpaque(owned).release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// Runs work on a new thread and waits for it without blocking a thread of the pool.
    static func run(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            let isStarted = start {
                work()
                continuation.resume()
            }
            if !isStarted {
                work()
                continuation.resume()
            }
        }
    }
}
