import Glibc
import Synchronization

/// Ports for servers that a test starts.
package enum FreePort {
    /// Below what deploy/local/test-servers takes and below the kernel's ephemeral range, so that
    /// no outgoing connection takes the port between the look and the start.
    private static let range: ClosedRange<UInt16> = 12_000...19_999
    private static let given = Mutex<Set<UInt16>>([])

    /// A loopback TCP port that nobody listens on; never the same twice in one process.
    package static func find() -> UInt16 {
        while true {
            let port = UInt16.random(in: range)
            let isNew = given.withLock { $0.insert(port).inserted }
            if isNew, isFree(port) { return port }
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        // Close-on-exec: a program that starts meanwhile must not go on listening there.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // As servers do: a port whose old connections are closing down counts as free.
        var yes: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                    && listen(descriptor, 1) == 0
            }
        }
    }
}
