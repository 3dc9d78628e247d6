internal import CLibpq
import Glibc

/// A thread of our own, for calls that block. Never more of them than there are connections.
enum OSThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a detached thread; false when the system has none left.
    static func start(_ name: String, _ run: @escaping @Sendable () -> Void) -> Bool {
        let named: @Sendable () -> Void = {
            unsafe grapevine_name_this_thread(name)
            run()
        }
        let body = unsafe Unmanaged.passRetained(Body(named))
        var thread = pthread_t()
        let status = unsafe pthread_create(&thread, nil, entry, body.toOpaque())
        guard status == 0 else {
            unsafe body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private static let entry:
        @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            argument in
            if let argument = unsafe argument {
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                body.run()
            }
            return nil
        }
}
