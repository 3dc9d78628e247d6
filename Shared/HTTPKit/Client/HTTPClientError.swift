/// Why a request has no response. Printing it shows no URL and no content.
package struct HTTPClientError: Error, Sendable, Hashable {
    /// What kind of failure it is. Open: more may come, so a `switch` needs a default.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code as a slug, also the metric's label.
        package let description: String

        private init(_ description: String) { self.description = description }

        /// The URL, a header or the body cannot be sent as they are; nothing was sent.
        package static let invalidRequest = Code("invalid_request")
        /// No connection came about (refused, name unknown, TLS failed); nothing was sent.
        package static let connectionFailed = Code("connection_failed")
        /// Every address of the host is one that the request's `TargetPolicy` refuses; nothing was
        /// sent.
        package static let targetRefused = Code("target_refused")
        /// The connection broke before the response was whole; the request may have had its effect.
        package static let connectionLost = Code("connection_lost")
        /// The deadline passed; the request may have had its effect.
        package static let timeout = Code("timeout")
        /// The peer failed so often lately that it is left alone for a moment; nothing was sent.
        package static let circuitOpen = Code("circuit_open")
        /// Too many requests are under way in this process; nothing was sent.
        package static let overloaded = Code("overloaded")
        /// The response exceeds the limit; the request had its effect.
        package static let responseTooLarge = Code("response_too_large")
        /// What came back is not HTTP; the request may have had its effect.
        package static let malformedResponse = Code("malformed_response")
        /// The task was cancelled; the request may have had its effect.
        package static let cancelled = Code("cancelled")
        /// The client was shut down.
        package static let shutDown = Code("shut_down")
    }

    package let code: Code
    /// When trying again may help, for `.circuitOpen`.
    package let retryAfter: Duration?
    /// The library's own words; may name hosts, so it is for debugging only.
    package let detail: String

    package init(_ code: Code, retryAfter: Duration? = nil, detail: String = "") {
        self.code = code
        self.retryAfter = retryAfter
        self.detail = detail
    }

    /// Whether the same request could succeed later. Says nothing about whether it had its effect.
    package var isRetryable: Bool {
        switch code {
        case .invalidRequest, .responseTooLarge, .targetRefused, .shutDown: false
        default: true
        }
    }
}

extension HTTPClientError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { "HTTP client: \(code)" }

    package var debugDescription: String {
        detail.isEmpty ? description : "\(description): \(detail)"
    }
}
