import Contracts
package import HTTPKit
import Kernel

/// Holds a request that carries `Grapevine-Position` until the service has passed that position.
package struct BarrierMiddleware: Middleware {
    private let barriers: [PositionBarrier]
    private let limit: Duration

    /// Requests wait for all of the barriers, together at most `limit` and never beyond their own
    /// deadline.
    package init(_ barriers: [PositionBarrier], limit: Duration = .seconds(2)) {
        self.barriers = barriers
        self.limit = limit
    }

    /// Throws 400 `invalid_position` for a malformed header and 503 `position_not_reached`.
    package func respond(
        to request: HTTPRequest,
        next: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        guard let text = request.headers[LogPosition.headerName] else {
            return try await next(request)
        }
        guard let position = LogPosition(text) else {
            throw Problem.badRequest(
                "invalid_position", "The position is written shard:position, such as 3:1042.",
                pointer: LogPosition.headerName)
        }
        let deadline = ContinuousClock.now + min(limit, request.context.remainingTime)
        for barrier in barriers {
            let rest = max(.zero, ContinuousClock.now.duration(to: deadline))
            try await barrier.wait(for: position, within: rest)
        }
        return try await next(request)
    }
}
