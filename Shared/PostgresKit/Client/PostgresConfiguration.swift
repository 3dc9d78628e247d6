internal import CLibpq

/// How to reach a database, and the bounds of everything. Defaults suit one service replica.
package struct PostgresConfiguration: Sendable {
    /// What libpq is told: host, port, user, password, TLS and so on, from the URL.
    let parameters: [String: String]

    /// Connections for stand-alone statements, shared by all callers in pipeline mode; 1 to 4.
    package var pipelinedConnections = 2
    /// Most connections for transactions, COPY and sessions, each lent to one caller.
    package var leasedConnections = 8
    /// How long a caller waits for a connection before `.poolTimeout`.
    package var poolWaitLimit: Duration = .seconds(5)
    /// The server's `statement_timeout`. A connection that stays silent for longer is replaced.
    package var statementTimeout: Duration = .seconds(15)
    /// The server's `lock_timeout` in transactions.
    package var lockTimeout: Duration = .seconds(5)
    /// The server's `lock_timeout` for stand-alone statements, where one that waits holds up
    /// others.
    package var pipelinedLockTimeout: Duration = .seconds(2)
    /// The server's `idle_in_transaction_session_timeout`.
    package var idleInTransactionTimeout: Duration = .seconds(30)
    /// How long one attempt to connect may take; whole seconds, at least 2.
    package var connectTimeout: Duration = .seconds(5)
    /// Leased connections beyond the first that nobody used for this long are closed.
    package var idleLimit: Duration = .seconds(120)
    /// Prepared statements kept per connection.
    package var preparedStatements = 256
    /// Shown in `pg_stat_activity`.
    package var applicationName = "grapevine"

    /// Reads a URL (`postgresql://user:password@host:port/database?sslmode=require`) or libpq's
    /// `key=value` form. Throws `.configuration` when libpq does not understand it.
    package init(url: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(url, &message) else {
            // The message may quote the URL with its password, so it is not passed on.
            unsafe PQfreemem(message)
            throw PostgresError(.configuration, "the database URL cannot be read")
        }
        defer { unsafe PQconninfoFree(options) }
        var parameters: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe parameters[String(cString: keyword)] = String(cString: value)
            }
            unsafe option += 1
        }
        self.parameters = parameters
    }

    /// The database's name as in the URL, or the user's name when it has none.
    package var databaseName: String { parameters["dbname"] ?? parameters["user"] ?? "" }
}
