/// A kind of caller: a path prefix and the one credential that counts below it (DESIGN §1).
///
/// Routes are mounted only through an audience, so none can be had with another's credential.
package struct Audience<Principal: Sendable>: Sendable {
    /// Short and bounded, a metric label (`portal`).
    package let name: String
    /// Where its routes live (`/v1/portal`), without a slash at the end; empty for `public`.
    package let prefix: String
    /// How JSON bodies are read.
    package let strictness: JSONStrictness
    /// The largest body, before and after decompression, unless the route says otherwise.
    package let bodyLimitBytes: Int
    /// From the outermost in; runs before authentication.
    package let middleware: [any Middleware]
    /// From the outermost in; runs after authentication, so only callers who may call get here.
    package let innerMiddleware: [any Middleware]
    /// What browsers of other origins may do; nil when they may do nothing.
    package let crossOrigin: CrossOriginPolicy?
    /// Finds out who calls; throws a `Problem` (401, 403, 429, 503) to refuse.
    package let authenticate: @Sendable (HTTPRequest) async throws -> Principal

    /// An audience; the limit is in bytes.
    package init(
        name: String, prefix: String, strictness: JSONStrictness = .strict,
        bodyLimitBytes: Int = 1 << 20, middleware: [any Middleware] = [],
        innerMiddleware: [any Middleware] = [], crossOrigin: CrossOriginPolicy? = nil,
        authenticate: @escaping @Sendable (HTTPRequest) async throws -> Principal
    ) {
        self.name = name
        self.prefix = prefix
        self.strictness = strictness
        self.bodyLimitBytes = bodyLimitBytes
        self.middleware = middleware
        self.innerMiddleware = innerMiddleware
        self.crossOrigin = crossOrigin
        self.authenticate = authenticate
    }
}

extension Audience where Principal == Void {
    /// Anyone, without credential: `/healthz`, `/r/{code}`.
    package static func open(
        name: String = "public", prefix: String = "", bodyLimitBytes: Int = 1 << 16,
        middleware: [any Middleware] = []
    ) -> Audience<Void> {
        Audience(
            name: name, prefix: prefix, bodyLimitBytes: bodyLimitBytes, middleware: middleware,
            authenticate: { _ in })
    }
}

/// What browsers of other origins may do below an audience. The kit answers preflights itself.
package struct CrossOriginPolicy: Sendable {
    /// Asked for each request that has an `Origin`; a preflight carries no credential.
    package let allows: @Sendable (_ origin: String, _ request: HTTPRequest) async -> Bool
    /// Request headers that a page may set.
    package let allowedHeaders: [String]
    /// Response headers that a page may read.
    package let exposedHeaders: [String]
    /// How long a browser may remember the preflight.
    package let maximumAge: Duration

    /// A policy; the default headers are those that the platform's API uses.
    package init(
        allowedHeaders: [String] = [
            "Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key",
            "X-Request-Id", "traceparent",
        ],
        exposedHeaders: [String] = [
            "X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy",
            "Idempotency-Replayed",
        ],
        maximumAge: Duration = .seconds(600),
        allows: @escaping @Sendable (_ origin: String, _ request: HTTPRequest) async -> Bool
    ) {
        self.allows = allows
        self.allowedHeaders = allowedHeaders
        self.exposedHeaders = exposedHeaders
        self.maximumAge = maximumAge
    }
}
