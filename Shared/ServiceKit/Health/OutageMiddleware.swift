import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import RedisKit

/// Turns "a part of us is away" into 503 with `Retry-After`, and says in the log which.
///
/// All other errors of those parts stay what they are and end as 500.
struct OutageMiddleware: Middleware {
    func respond(
        to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        do {
            return try await next(request)
        } catch {
            guard let part = Self.part(error) else { throw error }
            request.context.logger.warning(
                "answered 503", [("part", .text(part)), ("error", .text("\(error)"))])
            throw Problem.unavailable()
        }
    }

    /// What is away or overloaded; nil for any other error.
    private static func part(_ error: any Error) -> String? {
        switch error {
        case let error as PostgresError:
            let codes: [PostgresError.Code] = [
                .unavailable, .poolTimeout, .lockNotAvailable, .queryCanceled, .deadlineExceeded,
                .commitUnknown, .serializationFailure, .deadlock, .closed,
            ]
            return codes.contains(error.code) ? "database" : nil
        case let error as RedisError:
            return error.isRetryable ? "redis" : nil
        case LogError.unavailable:
            return "log"
        default:
            return nil
        }
    }
}
