import CLibcurl
import Glibc

/// Stands between libcurl and the system where sockets are made: the last moment before a
/// connection, with the very address that it will go to. A name that resolves differently the
/// second time is no way around it.
///
/// Used by one thread at a time, as the transfer that owns it.
final class SocketGuard {
    private let policy: TargetPolicy
    private var refused = 0
    private var allowed = 0

    init(_ policy: TargetPolicy) { self.policy = policy }

    /// Whether there were addresses and the policy refused every one.
    var hasRefusedAll: Bool { refused > 0 && allowed == 0 }

    static let onOpen: curl_opensocket_callback = { context, _, address in
        guard let context = unsafe context, let address = unsafe address else { return -1 }
        let socketGuard = unsafe Unmanaged<SocketGuard>.fromOpaque(context).takeUnretainedValue()
        return unsafe socketGuard.open(address)
    }

    @unsafe private func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let target = unsafe Self.target(address)
        guard policy.allows?(target) ?? true else {
            refused += 1
            // CURL_SOCKET_BAD: the library goes on to the next address, if there is one.
            return -1
        }
        allowed += 1
        let kind = unsafe address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        return unsafe socket(address.pointee.family, kind, address.pointee.`protocol`)
    }

    /// The library's structure ends in the whole `sockaddr_in` or `sockaddr_in6`.
    @unsafe private static func target(
        _ address: UnsafeMutablePointer<curl_sockaddr>
    ) -> SocketAddress {
        let start = MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0
        let length = unsafe Int(address.pointee.addrlen)
        let raw = unsafe UnsafeRawBufferPointer(
            start: UnsafeRawPointer(address).advanced(by: start), count: length)
        let range: Range<Int>? =
            switch unsafe address.pointee.family {
            case AF_INET where length >= 8: 4..<8
            case AF_INET6 where length >= 24: 8..<24
            default: nil
            }
        guard let range else { return SocketAddress(bytes: []) }
        return unsafe SocketAddress(bytes: Array(raw[range]))
    }
}
