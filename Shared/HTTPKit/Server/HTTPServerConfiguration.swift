import Glibc

/// How a server listens and what it allows.
package struct HTTPServerConfiguration: Sendable {
    /// Numeric address to listen on; loopback or a private network, never the internet.
    package var host = "127.0.0.1"
    /// Port to listen on; 0 takes any free one.
    package var port: UInt16 = 0
    /// Threads that read, write and start handlers, each with connections of its own. One for
    /// each processor, at most 4: handlers that do not suspend run there.
    package var threads = min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1), 4)
    /// Connections at once; more wait in the backlog of the operating system.
    package var connectionLimit = 4096
    /// WebSockets at once; more are refused with 503. They count as connections too.
    package var webSocketLimit = 1024
    /// Time for the request line and headers of a new connection, all together.
    package var headerDeadline: Duration = .seconds(10)
    /// Time for a body, all together, from the end of the headers.
    package var bodyDeadline: Duration = .seconds(30)
    /// Time a kept connection may wait for its next request, headers included.
    package var idleDeadline: Duration = .seconds(75)
    /// Time for a handler; then it is cancelled and 503 `deadline_exceeded` is answered.
    package var handlerDeadline: Duration = .seconds(15)
    /// Time for a client to take an answer that is not a stream.
    package var writeDeadline: Duration = .seconds(60)
    /// Time in which a streaming client must take at least something.
    package var stalledStreamLimit: Duration = .seconds(60)
    /// Bodies of answers from this size on are compressed where the client accepts it.
    package var compressionThresholdBytes = 1024
    /// Whether the last entry of `X-Forwarded-For` names the caller; only behind our own gateway.
    package var trustsForwardedFor = false
    /// Whether each request leaves a line in the log.
    package var logsAccess = true

    /// The defaults, all of which can be set afterwards.
    package init() {}
}
