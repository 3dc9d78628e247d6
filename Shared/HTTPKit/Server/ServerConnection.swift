import CMicrohttpd
import Glibc
import Synchronization

/// One TCP connection, as long as the library keeps it.
final class ServerConnection: Sendable {
    struct State {
        /// Path and query of the request whose head was just read.
        var target = ""
        /// The request that is being read or answered.
        var exchange: Exchange?
    }

    let core: ServerCore
    let descriptor: Int32
    let remoteAddress: String?
    let state = Mutex(State())
    /// When the peer must have done its part, in `Monotonic` nanoseconds.
    let deadline: Atomic<Int64>
    /// Whether a request was answered on it, so that it may be closed between two.
    let hasServed = Atomic(false)

    init(core: ServerCore, descriptor: Int32, remoteAddress: String?, deadline: Int64) {
        self.core = core
        self.descriptor = descriptor
        self.remoteAddress = remoteAddress
        self.deadline = Atomic(deadline)
    }

    /// The numeric form of an address.
    static func text(of address: UnsafePointer<sockaddr>?) -> String? {
        guard let address = unsafe address else { return nil }
        let family = unsafe Int32(address.pointee.sa_family)
        let size =
            family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard family == AF_INET || family == AF_INET6,
            unsafe getnameinfo(
                address, socklen_t(size), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        let bytes = host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Every open connection, and the one place where sockets are shut down from outside the library.
final class ConnectionRegistry: Sendable {
    private let connections = Mutex<[ObjectIdentifier: ServerConnection]>([:])

    func add(_ connection: ServerConnection) {
        connections.withLock { $0[ObjectIdentifier(connection)] = connection }
    }

    /// Must be called before the library closes the socket, whose number is used again at once.
    func remove(_ connection: ServerConnection) {
        _ = connections.withLock { $0.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    var count: Int { connections.withLock { $0.count } }

    /// Every request that is being read or answered.
    var exchanges: [Exchange] {
        let all = connections.withLock { Array($0.values) }
        return all.compactMap { connection in connection.state.withLock { $0.exchange } }
    }

    /// Cuts the connections whose peers are too slow. Returns how many.
    func cutOverdue(at now: Int64) -> Int {
        connections.withLock { connections in
            var count = 0
            for connection in connections.values
            where connection.deadline.load(ordering: .relaxed) < now {
                connection.deadline.store(Monotonic.never, ordering: .relaxed)
                shutdown(connection.descriptor, Int32(SHUT_RDWR))
                count += 1
            }
            return count
        }
    }

    /// Ends connections that wait for a next request; one that has arrived is still read.
    func endIdle() {
        connections.withLock { connections in
            for connection in connections.values
            where connection.hasServed.load(ordering: .relaxed) {
                let isIdle = connection.state.withLock { $0.exchange == nil }
                if isIdle { shutdown(connection.descriptor, Int32(SHUT_RD)) }
            }
        }
    }

    /// Cuts a connection if it is still open.
    func cut(_ connection: ServerConnection) {
        connections.withLock { connections in
            guard connections[ObjectIdentifier(connection)] != nil else { return }
            shutdown(connection.descriptor, Int32(SHUT_RDWR))
        }
    }
}
