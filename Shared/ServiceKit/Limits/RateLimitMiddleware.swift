package import HTTPKit
import Kernel
import Synchronization

/// Adds `RateLimit` and `RateLimit-Policy` to the answers of requests that a limiter counted.
///
/// Who is counted is known only after authentication, inside; what the limiter said is noted in a
/// task-local report and written to the answer here, also to the 429 itself.
/// Source: draft-ietf-httpapi-ratelimit-headers-08 (structured fields, seconds).
package struct RateLimitMiddleware: Middleware {
    package init() {}

    /// Answers 429 itself, so that the problem carries the headers too.
    package func respond(
        to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        let report = RateLimitReport()
        return try await RateLimitReport.$current.withValue(report) {
            var response: HTTPResponse
            do {
                response = try await next(request)
            } catch let problem as Problem where problem.status == 429 {
                response = .problem(problem, requestID: request.context.requestID)
            }
            let states = report.states
            guard !states.isEmpty else { return response }
            response.headers.add("RateLimit-Policy", Self.policies(states))
            response.headers.add("RateLimit", Self.limits(states))
            return response
        }
    }

    static func policies(_ states: [RateLimitState]) -> String {
        states.map { state in
            let policy = state.policy
            return "\"\(policy.name)\";q=\(policy.limit);w=\(Self.seconds(policy.window))"
        }.joined(separator: ", ")
    }

    static func limits(_ states: [RateLimitState]) -> String {
        states.map { state in
            let reset = max(state.reset, state.retryAfter)
            return "\"\(state.policy.name)\";r=\(state.remaining);t=\(Self.seconds(reset))"
        }.joined(separator: ", ")
    }

    /// Whole seconds, rounded up.
    private static func seconds(_ duration: Duration) -> Int64 {
        (duration.wholeMicroseconds + 999_999) / 1_000_000
    }
}

/// What limiters said during one request.
final class RateLimitReport: Sendable {
    @TaskLocal static var current: RateLimitReport?

    private let noted = Mutex<[RateLimitState]>([])

    var states: [RateLimitState] { noted.withLock { $0 } }

    func add(_ states: [RateLimitState]) {
        noted.withLock { $0 += states }
    }
}
