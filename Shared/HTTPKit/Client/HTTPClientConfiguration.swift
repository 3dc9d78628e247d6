/// The bounds of an HTTP client.
package struct HTTPClientConfiguration: Sendable {
    /// How long a connection may take to come about, within the call's deadline.
    package var connectTimeout: Duration = .seconds(2)
    /// How many connections one host and port may have at once; more requests wait for one.
    package var connectionsPerHost = 64
    /// How many connections there may be at once.
    package var connectionsInTotal = 256
    /// How long an idle connection is kept; shorter than what servers allow.
    package var idleConnectionSeconds = 20
    /// How many requests may be under way or waiting; more are refused with `.overloaded`.
    package var requestsUnderWay = 2048
    /// How large a response's header block may be.
    package var responseHeaderLimitBytes = 64 * 1024
    /// When a host and port is left alone, and for how long.
    package var circuitBreaker = CircuitBreaker.Settings()
    /// Sent as `User-Agent`.
    package var userAgent = "grapevine"

    /// The defaults, which suit a service that calls its peers.
    package init() {}
}
