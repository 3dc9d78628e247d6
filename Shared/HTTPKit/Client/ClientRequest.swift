/// One request to send.
package struct ClientRequest: Sendable {
    package var method: HTTPMethod
    /// Absolute, `http` or `https`, already percent-encoded, without user name or fragment.
    package var url: String
    /// `Host`, `Content-Length`, `Transfer-Encoding` and `Connection` are the client's own
    /// business.
    package var headers: HTTPHeaders
    /// Only for methods that have a body (POST, PUT, PATCH, DELETE); nil sends none.
    package var body: [UInt8]?
    /// How long the call may take with all its attempts.
    package var deadline: Duration
    package var retry: RetryPolicy
    /// How large the response's body may be.
    package var responseLimitBytes: Int
    /// Whom it goes to, for metrics and logs: a name out of a bounded set, never a URL.
    package var peer: String
    /// Which addresses it may go to.
    package var targets: TargetPolicy
    /// Whether what exceeds `responseLimitBytes` is cut off instead of failing the request.
    package var cutsResponse: Bool

    package init(
        method: HTTPMethod = .get, url: String, headers: HTTPHeaders = HTTPHeaders(),
        body: [UInt8]? = nil, deadline: Duration = .seconds(5), retry: RetryPolicy = .safeMethods(),
        responseLimitBytes: Int = 8 * 1024 * 1024, peer: String = "other",
        targets: TargetPolicy = .any, cutsResponse: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.deadline = deadline
        self.retry = retry
        self.responseLimitBytes = responseLimitBytes
        self.peer = peer
        self.targets = targets
        self.cutsResponse = cutsResponse
    }
}

/// What came back, whatever the status. Redirects are not followed: they come back too.
package struct ClientResponse: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    /// As sent by the peer; not decompressed.
    package let body: [UInt8]

    package init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// `Retry-After` when it is given in seconds; the form with a date is ignored.
    package var retryAfter: Duration? {
        guard let text = headers["Retry-After"], let seconds = Int(text),
            (0...86_400).contains(seconds)
        else { return nil }
        return .seconds(seconds)
    }
}
