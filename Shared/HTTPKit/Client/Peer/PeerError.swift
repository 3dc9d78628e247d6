package import Kernel

/// Why a call to another service has no output.
package enum PeerError: Error, Sendable {
    /// The peer refused, in its own words. For the calling code to branch on; never shown to
    /// callers.
    case problem(ProblemDocument, retryAfter: Duration?)
    /// The peer cannot be reached, or broke off. The text is for the log.
    case unavailable(String)
    /// The deadline passed; the call may have had its effect.
    case timeout
    /// The peer failed so often lately that nothing was sent.
    case circuitOpen(retryAfter: Duration?)
    /// The peer answered something that is not what the endpoint promises. The text is for the log.
    case malformedResponse(String)
    /// The task was cancelled; the call may have had its effect.
    case cancelled
    /// The call cannot be made as asked: a fault of the calling code. The text is for the log.
    case invalidRequest(String)

    /// Whether the same call (with the same key) could succeed later.
    ///
    /// False only when the peer said that the request is wrong, or when it could not be sent.
    package var isRetryable: Bool {
        switch self {
        case .problem(let document, let retryAfter):
            document.status >= 500 || [408, 425, 429].contains(document.status)
                || document.status == 409 && retryAfter != nil
        case .unavailable, .timeout, .circuitOpen, .malformedResponse, .cancelled: true
        case .invalidRequest: false
        }
    }

    /// The peer's stable code (`budget_exceeded`), when it refused.
    package var code: String? {
        if case .problem(let document, _) = self { document.code } else { nil }
    }

    /// The peer's status, when it refused.
    package var status: Int? {
        if case .problem(let document, _) = self { document.status } else { nil }
    }

    /// When trying again may help, as far as known.
    package var retryAfter: Duration? {
        switch self {
        case .problem(_, let retryAfter), .circuitOpen(let retryAfter): retryAfter
        default: nil
        }
    }
}

extension PeerError: ProblemConvertible {
    /// What our own caller is told when nobody dealt with the error before: 503
    /// `dependency_unavailable` with `Retry-After` when it may pass, else 500. Names no peer.
    package var problem: Problem {
        guard isRetryable else { return .internalError }
        return .unavailable(
            "dependency_unavailable",
            "A part of the service cannot be reached right now. Try again shortly.",
            retryAfter: max(.seconds(1), retryAfter ?? .seconds(1)))
    }
}

extension PeerError: CustomStringConvertible {
    /// For logs: the kind and the peer's code, no content.
    package var description: String {
        switch self {
        case .problem(let document, _): "peer refused: \(document.status) \(document.code)"
        case .unavailable(let reason): "peer unavailable: \(reason)"
        case .timeout: "peer did not answer in time"
        case .circuitOpen: "peer left alone: circuit open"
        case .malformedResponse(let reason): "peer answered malformed: \(reason)"
        case .cancelled: "call cancelled"
        case .invalidRequest(let reason): "call impossible: \(reason)"
        }
    }
}

extension PeerError {
    init(_ error: HTTPClientError) {
        switch error.code {
        case .timeout: self = .timeout
        case .circuitOpen: self = .circuitOpen(retryAfter: error.retryAfter)
        case .malformedResponse, .responseTooLarge:
            self = .malformedResponse(error.code.description)
        case .cancelled: self = .cancelled
        case .invalidRequest: self = .invalidRequest(error.detail)
        default: self = .unavailable(error.code.description)
        }
    }
}
