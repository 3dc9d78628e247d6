import CHiredis
import Glibc

/// Wakes a thread that sleeps in `poll`. May be rung from any thread, any number of times.
final class Doorbell: Sendable {
    /// Readable while rung. -1 when the system had no descriptor left; then sleeps are kept short.
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func ring() {
        guard descriptor >= 0 else { return }
        _ = eventfd_write(descriptor, 1)
    }

    /// Waits for the bell, or for `socket` to become readable (or writable where wanted), or for
    /// `limit`. Returns whether the socket wants attention; the bell is silent afterwards.
    func wait(socket: Int32?, writable: Bool, limit: Duration) -> Bool {
        var watched = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        if let socket {
            let events = Int16(POLLIN) | (writable ? Int16(POLLOUT) : 0)
            watched.append(pollfd(fd: socket, events: events, revents: 0))
        }
        let longest: Duration = descriptor >= 0 ? .seconds(60) : .milliseconds(10)
        // Rounded up, so that a deadline has really passed when the wait ends by it.
        let microseconds = min(max(limit, .zero), longest).components
        let whole =
            microseconds.seconds * 1000 + (microseconds.attoseconds + 999_999_999_999_999)
            / 1_000_000_000_000_000
        guard unsafe poll(&watched, nfds_t(watched.count), Int32(whole)) > 0 else { return false }
        if watched[0].revents != 0 {
            var count: eventfd_t = 0
            _ = unsafe eventfd_read(descriptor, &count)
        }
        return watched.count == 2 && watched[1].revents != 0
    }
}
