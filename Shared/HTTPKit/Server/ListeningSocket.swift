import Glibc

/// Why a server could not start.
package struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure; more kinds may come.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// A stable slug.
        package let description: String
        /// Another process has the port.
        package static let addressInUse = Code(description: "address_in_use")
        /// The host is not a numeric address of this machine.
        package static let addressNotAvailable = Code(description: "address_not_available")
        /// The process may not listen there.
        package static let notPermitted = Code(description: "not_permitted")
        /// The library or the operating system refused for another reason.
        package static let cannotListen = Code(description: "cannot_listen")
        /// `start` was called before.
        package static let alreadyStarted = Code(description: "already_started")
    }

    /// What kind of failure.
    package let code: Code
    /// What was tried and why it failed, for the operator.
    package let description: String
}

/// A bound socket that listens.
struct ListeningSocket {
    let descriptor: Int32
    let port: UInt16

    /// Binds and listens. The caller owns the descriptor.
    init(host: String, port: UInt16) throws(HTTPServerError) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0,
            let address = unsafe found
        else {
            throw HTTPServerError(
                code: .addressNotAvailable, description: "'\(host)' is not a numeric address.")
        }
        defer { unsafe freeaddrinfo(found) }
        let kind =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = unsafe socket(address.pointee.ai_family, kind, 0)
        guard descriptor >= 0 else { throw Self.failure("create a socket", host, port) }
        var yes: Int32 = 1
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
            listen(descriptor, 1024) == 0
        else {
            let failure = Self.failure("listen", host, port)
            close(descriptor)
            throw failure
        }
        self.descriptor = descriptor
        self.port = Self.boundPort(descriptor) ?? port
    }

    private static func failure(_ step: String, _ host: String, _ port: UInt16) -> HTTPServerError {
        let number = errno
        let code: HTTPServerError.Code =
            switch number {
            case EADDRINUSE: .addressInUse
            case EADDRNOTAVAIL: .addressNotAvailable
            case EACCES, EPERM: .notPermitted
            default: .cannotListen
            }
        let reason = unsafe strerror(number).map { unsafe String(cString: $0) } ?? ""
        return HTTPServerError(
            code: code, description: "Cannot \(step) at \(host):\(port): \(reason).")
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe getsockname(
                descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
        }
        guard status == 0 else { return nil }
        // The port is at the same place in sockaddr_in and sockaddr_in6.
        return unsafe withUnsafeBytes(of: &address) { bytes in
            UInt16(bigEndian: unsafe bytes.load(fromByteOffset: 2, as: UInt16.self))
        }
    }
}
