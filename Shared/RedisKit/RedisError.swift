/// Why a command has no result. Printing it shows no argument and no text of the server.
package struct RedisError: Error, Sendable, Hashable {
    /// What kind of failure it is. Open: more may come, so a `switch` needs a default.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code as a slug.
        package let description: String

        private init(_ description: String) { self.description = description }

        /// There is no connection now; nothing was sent.
        package static let unavailable = Code("unavailable")
        /// The connection broke after the command was queued for it; it may have run.
        package static let connectionLost = Code("connection_lost")
        /// No answer within the deadline; it may have run, or may still run.
        package static let timeout = Code("timeout")
        /// The bounded queue is full; nothing was sent.
        package static let overloaded = Code("overloaded")
        /// The server refuses the user name or the password; nothing was sent.
        package static let authenticationFailed = Code("authentication_failed")
        /// The client was shut down.
        package static let shutDown = Code("shut_down")
        /// The server answered with an error; see `serverCode`.
        package static let server = Code("server")
        /// The command is empty or larger than the limit; nothing was sent.
        package static let invalidCommand = Code("invalid_command")
        /// The URL or another setting cannot be used.
        package static let invalidConfiguration = Code("invalid_configuration")
    }

    package let code: Code
    /// The first word of the server's error (`NOSCRIPT`, `WRONGTYPE`), for code `.server`.
    package let serverCode: String?
    /// The server's or the system's own words; may quote arguments, so it is for debugging only.
    package let detail: String

    package init(_ code: Code, serverCode: String? = nil, detail: String = "") {
        self.code = code
        self.serverCode = serverCode
        self.detail = detail
    }

    /// From the text of an error reply: the first word is its code.
    init(reply: String) {
        let word = reply.prefix { $0 != " " }
        self.init(.server, serverCode: String(word), detail: reply)
    }

    /// Whether the same command could succeed later. Says nothing about whether it already ran.
    package var isRetryable: Bool {
        switch code {
        case .unavailable, .connectionLost, .timeout, .overloaded: true
        case .server: ["LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN"].contains(serverCode)
        default: false
        }
    }
}

extension RedisError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String {
        "Redis: \(code)" + (serverCode.map { " (\($0))" } ?? "")
    }

    package var debugDescription: String {
        detail.isEmpty ? description : "\(description): \(detail)"
    }
}
