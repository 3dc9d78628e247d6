import CHiredis
import Glibc

/// One logged-in connection: owns hiredis' context and hands out values only.
///
/// Not thread-safe: one thread at a time uses it, and it may be handed from one to another under a
/// lock. After any thrown error the connection is of no more use.
@safe final class RedisConnection: @unchecked Sendable {
    private let context: UnsafeMutablePointer<redisContext>
    private(set) var hasUnsentBytes = false

    /// Connects, logs in, selects the database and proves that the server answers. Blocks, also for
    /// name resolution, so it belongs on a thread of its own.
    static func open(_ configuration: RedisConfiguration) throws(RedisError) -> RedisConnection {
        let limit = timeval(configuration.connectTimeout)
        guard
            let context = unsafe redisConnectWithTimeout(
                configuration.host, Int32(configuration.port), limit)
        else { throw RedisError(.unavailable, detail: "No memory for a connection.") }
        let connection = unsafe RedisConnection(context)
        guard unsafe context.pointee.err == 0 else {
            throw RedisError(.unavailable, detail: connection.errorText)
        }
        guard unsafe redisSetTimeout(context, limit) == REDIS_OK else {
            throw RedisError(.unavailable, detail: connection.errorText)
        }
        _ = unsafe redisEnableKeepAlive(context)
        try connection.logIn(configuration)
        try connection.stopBlocking()
        return connection
    }

    private init(_ context: UnsafeMutablePointer<redisContext>) {
        unsafe self.context = context
    }

    deinit {
        unsafe redisFree(context)
    }

    /// For `poll`; valid as long as the connection.
    var socket: Int32 { unsafe context.pointee.fd }

    /// Queues encoded commands; `flush` sends them.
    func append(_ bytes: [UInt8]) throws(RedisError) {
        let code = unsafe bytes.withUnsafeBytes { buffer in
            unsafe redisAppendFormattedCommand(
                context, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard code == REDIS_OK else { throw lost() }
        hasUnsentBytes = true
    }

    /// Sends what the socket takes now.
    func flush() throws(RedisError) {
        guard hasUnsentBytes else { return }
        var done: Int32 = 0
        guard unsafe redisBufferWrite(context, &done) == REDIS_OK else { throw lost() }
        hasUnsentBytes = done == 0
    }

    /// Reads what has arrived and returns the whole answers in it, oldest first.
    func receive() throws(RedisError) -> [RedisValue] {
        guard unsafe redisBufferRead(context) == REDIS_OK else { throw lost() }
        var values: [RedisValue] = []
        while let value = try nextBuffered() { values.append(value) }
        return values
    }

    private func nextBuffered() throws(RedisError) -> RedisValue? {
        var reply: UnsafeMutableRawPointer?
        guard unsafe redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw lost() }
        guard let reply = unsafe reply else { return nil }
        defer { unsafe freeReplyObject(reply) }
        return unsafe RedisValue(reply.assumingMemoryBound(to: redisReply.self))
    }

    private func logIn(_ configuration: RedisConfiguration) throws(RedisError) {
        if let password = configuration.password {
            let user = configuration.user.map { [RedisArgument.text($0)] } ?? []
            try ask(["AUTH"] + user + [.text(password)], expecting: "OK")
        }
        if configuration.database != 0 {
            try ask(["SELECT", .integer(configuration.database)], expecting: "OK")
        }
        try ask(["PING"], expecting: "PONG")
    }

    /// One command while the context still blocks. Each read waits at most the connect timeout.
    private func ask(
        _ command: [RedisArgument], expecting status: String
    ) throws(RedisError) {
        var bytes: [UInt8] = []
        CommandEncoder.append(command, to: &bytes)
        try append(bytes)
        while hasUnsentBytes { try flush() }
        while true {
            if let answer = try nextBuffered() { return try check(answer, status) }
            guard unsafe redisBufferRead(context) == REDIS_OK else { throw lost() }
        }
    }

    /// Whatever listens there may not be Redis: a socket to a dead local port can even meet itself.
    private func check(_ answer: RedisValue, _ status: String) throws(RedisError) {
        guard case .error(let error) = answer else {
            if answer == .status(status) { return }
            throw RedisError(.unavailable, detail: "What answers there is not Redis.")
        }
        let words = error.detail
        if ["WRONGPASS", "NOAUTH", "NOPERM"].contains(error.serverCode)
            || words.contains("invalid password") || words.contains("without any password")
        {
            throw RedisError(
                .authenticationFailed, serverCode: error.serverCode, detail: words)
        }
        throw RedisError(.unavailable, serverCode: error.serverCode, detail: words)
    }

    /// hiredis decides by its own flag whether "would block" is an error, so both must change.
    private func stopBlocking() throws(RedisError) {
        let flags = fcntl(socket, F_GETFL)
        guard flags >= 0, fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(socket, F_SETFD, FD_CLOEXEC) == 0
        else { throw RedisError(.unavailable, detail: "The socket refuses its flags.") }
        unsafe context.pointee.flags &= ~REDIS_BLOCK
    }

    private func lost() -> RedisError { RedisError(.connectionLost, detail: errorText) }

    private var errorText: String {
        unsafe withUnsafeBytes(of: context.pointee.errstr) { buffer in
            unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let parts = duration.components
        self.init(
            tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
    }
}
