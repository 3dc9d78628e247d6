/// Where mail is handed over: an SMTP server.
package struct MailServer: Sendable, Hashable {
    /// How the connection is kept secret.
    package enum Security: Sendable, Hashable {
        /// Not at all: loopback and the cluster's own network.
        case none
        /// TLS after a greeting in clear text (STARTTLS); a server without it is not used.
        case startTLS
        /// TLS from the first byte (`smtps`).
        case tls
    }

    /// What the server asks who may send.
    package struct Credentials: Sendable, Hashable {
        package let user: String
        package let password: String

        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// A name or a numeric address, IPv6 in brackets.
    package let host: String
    package let port: UInt16
    package var security: Security
    package var credentials: Credentials?
    /// How this side introduces itself (EHLO).
    package var helloName: String
    /// A file of PEM certificates to trust instead of the system's.
    package var authoritiesFile: String?

    /// Reads `smtp://host:port` or `smtps://host:port` (ports 25 and 465 when left out); nil for
    /// anything else, also for a URL with a user name, a path or a query.
    package init?(url: String, helloName: String = "localhost") {
        let security: Security
        let rest: Substring
        if url.hasPrefix("smtp://") {
            (security, rest) = (.none, url.dropFirst(7))
        } else if url.hasPrefix("smtps://") {
            (security, rest) = (.tls, url.dropFirst(8))
        } else {
            return nil
        }
        let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        guard let (host, port) = Self.split(authority) else { return nil }
        self.host = host
        self.port = port ?? (security == .tls ? 465 : 25)
        self.security = security
        self.helloName = helloName
    }

    private init(host: String, port: UInt16, security: Security, helloName: String) {
        self.host = host
        self.port = port
        self.security = security
        self.helloName = helloName
    }

    /// A sink on this machine, for trials: port 2526.
    package static let local = MailServer(
        host: "127.0.0.1", port: 2526, security: .none, helloName: "localhost")

    private static func split(_ authority: Substring) -> (host: String, port: UInt16?)? {
        let end = authority.hasPrefix("[") ? authority.firstIndex(of: "]") : nil
        let tail = end.map { authority[authority.index(after: $0)...] } ?? authority
        var host = authority
        var port: UInt16?
        if let colon = tail.lastIndex(of: ":") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0
            else { return nil }
            port = number
            host = authority[..<colon]
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let name = isBracketed ? host.dropFirst().dropLast() : host
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): isBracketed
            default: false
            }
        }
        guard isPlain, !name.isEmpty else { return nil }
        return (String(host), port)
    }
}
