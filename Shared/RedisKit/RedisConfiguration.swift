import FoundationEssentials

/// Where Redis is and how long to wait for it.
package struct RedisConfiguration: Sendable {
    /// A host name or an address.
    package var host: String
    package var port: Int
    /// The ACL user; nil is Redis' `default` user.
    package var user: String?
    package var password: String?
    package var database: Int

    /// How long a command may take from the call to the answer, unless the call says otherwise.
    package var commandDeadline: Duration = .milliseconds(250)
    /// How long connecting and logging in may take.
    package var connectTimeout: Duration = .seconds(1)
    /// How long the server may owe an answer before the connection is given up.
    package var stallLimit: Duration = .seconds(2)
    /// The pause before the first new attempt to connect; doubled up to `backoffMaximum`, with
    /// jitter.
    package var backoffMinimum: Duration = .milliseconds(50)
    package var backoffMaximum: Duration = .seconds(2)
    /// How many commands may wait for an answer at once; more are refused with `.overloaded`.
    package var queueLimitCommands = 4096
    /// How many bytes those commands may have together.
    package var queueLimitBytes = 32 * 1024 * 1024
    /// How many signals a subscription holds for a slow reader; the newest are kept.
    package var subscriptionBufferSignals = 1024
    /// How long a quiet subscription waits before it asks whether the server is still there.
    package var subscriptionCheckInterval: Duration = .seconds(10)

    /// Reads `redis://[user][:password]@host[:port][/database]`, user and password percent-encoded.
    ///
    /// Throws `.invalidConfiguration`, whose detail never quotes the password.
    package init(url: String) throws(RedisError) {
        func refuse(_ detail: String) -> RedisError {
            RedisError(.invalidConfiguration, detail: detail)
        }
        guard let components = URLComponents(string: url), components.scheme == "redis" else {
            throw refuse("The URL must be redis://[user:password@]host[:port][/database].")
        }
        guard var host = components.host, !host.isEmpty else {
            throw refuse("The URL has no host.")
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = components.port ?? 6379
        guard (1...65535).contains(port) else { throw refuse("The port is not 1 to 65535.") }
        let path = components.path.drop { $0 == "/" }
        guard let database = path.isEmpty ? 0 : Int(path), (0...65535).contains(database) else {
            throw refuse("The path must be a database number.")
        }
        self.host = host
        self.port = port
        self.database = database
        user = components.user.flatMap { $0.isEmpty ? nil : $0 }
        password = components.password.flatMap { $0.isEmpty ? nil : $0 }
        if user != nil, password == nil { throw refuse("The URL has a user but no password.") }
    }
}
