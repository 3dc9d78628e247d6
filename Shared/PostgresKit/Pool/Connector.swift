internal import Kernel

/// Opens connections, each on a thread of its own, because libpq's connecting blocks.
struct Connector: Sendable {
    let configuration: PostgresConfiguration
    let lockTimeout: Duration
    let logger: Logger

    /// Begins one attempt; the owner hears of its end.
    func begin(for owner: any ConnectionOwner) {
        let started = DedicatedThread.start {
            do throws(PostgresError) {
                let connection = try open(for: owner)
                connection.start()
                owner.connectionOpened(connection)
            } catch {
                logger.warning(
                    "PostgreSQL cannot be reached",
                    [("reason", .text(error.details?.message ?? error.reason))])
                owner.connectionFailed(error)
            }
        }
        if !started { owner.connectionFailed(PostgresError(.unavailable, "no threads left")) }
    }

    private func open(for owner: any ConnectionOwner) throws(PostgresError) -> Connection {
        let handle = try ConnectionHandle.open(parameters)
        let silence = configuration.statementTimeout + .seconds(5)
        return Connection(
            handle, owner: owner, preparedStatements: configuration.preparedStatements,
            silenceLimit: silence.nanoseconds)
    }

    /// The URL's parameters and ours. Session settings travel with the start, without a round trip;
    /// what the URL's `options` say comes last and so counts.
    private var parameters: [(String, String)] {
        var all = configuration.parameters
        let ours: [(String, String)] = [
            ("timezone", "UTC"),
            ("statement_timeout", "\(configuration.statementTimeout.wholeMilliseconds)"),
            ("lock_timeout", "\(lockTimeout.wholeMilliseconds)"),
            (
                "idle_in_transaction_session_timeout",
                "\(configuration.idleInTransactionTimeout.wholeMilliseconds)"
            ),
        ]
        let options = ours.map { "-c \($0.0)=\($0.1)" }.joined(separator: " ")
        all["options"] = all["options"].map { "\(options) \($0)" } ?? options
        all["client_encoding"] = "UTF8"
        all["application_name"] = all["application_name"] ?? configuration.applicationName
        let seconds = max(2, configuration.connectTimeout.components.seconds)
        all["connect_timeout"] = all["connect_timeout"] ?? "\(seconds)"
        // A peer that vanished without a word is noticed within about 20 seconds.
        all["keepalives_idle"] = all["keepalives_idle"] ?? "10"
        all["keepalives_interval"] = all["keepalives_interval"] ?? "3"
        all["keepalives_count"] = all["keepalives_count"] ?? "3"
        all["tcp_user_timeout"] = all["tcp_user_timeout"] ?? "15000"
        return all.map { ($0.key, $0.value) }
    }
}
