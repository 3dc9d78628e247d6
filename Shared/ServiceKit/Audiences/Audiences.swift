package import HTTPKit
package import Kernel
package import SecurityKit

/// The limits of one audience; nil limits nothing.
package struct AudienceLimits: Sendable, Hashable {
    package var perKey: RateLimitPolicy?
    package var perClient: RateLimitPolicy?

    package init(perKey: RateLimitPolicy? = nil, perClient: RateLimitPolicy? = nil) {
        self.perKey = perKey
        self.perClient = perClient
    }

    package static let none = AudienceLimits()
}

/// The audiences of DESIGN §1, each with its prefix and the one credential that counts below it.
///
/// The `me` audience joins here when it exists; handlers see only principals.
package struct Audiences: Sendable {
    private let resolver: any APIKeyResolver
    private let limiter: RateLimiter
    private let serviceTokens: ServiceTokenVerifier
    private let staffTokens: JWTVerifier?
    private let members: MemberAuthenticator?

    /// - Parameters:
    ///   - serviceTokens: who may call `/internal`.
    ///   - staffTokens: how staff tokens are checked; nil refuses every one.
    ///   - members: how member tokens are checked; nil refuses every one.
    package init(
        resolver: any APIKeyResolver, limiter: RateLimiter, serviceTokens: ServiceTokenVerifier,
        staffTokens: JWTVerifier?, members: MemberAuthenticator? = nil
    ) {
        self.resolver = resolver
        self.limiter = limiter
        self.serviceTokens = serviceTokens
        self.staffTokens = staffTokens
        self.members = members
    }

    /// `/v1/portal` without limits.
    package var portal: Audience<PortalPrincipal> { portal(limits: .none) }

    /// `/v1/portal`: member tokens and secret keys.
    package func portal(limits: AudienceLimits) -> Audience<PortalPrincipal> {
        let keys = APIKeyAuthenticator(
            resolver: resolver, members: members, limiter: limiter, limits: limits)
        return Audience(
            name: "portal", prefix: "/v1/portal", strictness: .strict,
            middleware: middleware("portal"), authenticate: { try await keys.portal($0) })
    }

    /// `/v1/sdk` without limits.
    package var sdk: Audience<SDKPrincipal> { sdk(limits: .none) }

    /// `/v1/sdk`: publishable and secret keys, browsers of any origin that the key allows.
    ///
    /// - Parameter keys: where a key may be when no header has it.
    package func sdk(
        limits: AudienceLimits, keys places: KeyPlaces = .headers, bodyLimitBytes: Int = 1 << 20
    ) -> Audience<SDKPrincipal> {
        let keys = APIKeyAuthenticator(
            resolver: resolver, members: nil, limiter: limiter, limits: limits, places: places)
        // A preflight carries no key, so every origin may ask; the call itself checks the key's
        // list.
        let crossOrigin = CrossOriginPolicy(
            allowedHeaders: [
                "Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key",
                "X-Grapevine-Key", "X-Grapevine-Signature", "X-Grapevine-User-Token",
                "X-Request-Id", "X-Retry-Count", "traceparent",
            ],
            allows: { _, _ in true })
        return Audience(
            name: "sdk", prefix: "/v1/sdk", strictness: .lenient, bodyLimitBytes: bodyLimitBytes,
            middleware: middleware("sdk"), crossOrigin: crossOrigin,
            authenticate: { try await keys.sdk($0) })
    }

    /// `/v1/admin`: staff tokens.
    package var admin: Audience<StaffPrincipal> {
        let staffTokens = staffTokens
        return Audience(
            name: "admin", prefix: "/v1/admin", strictness: .strict,
            middleware: middleware("admin"),
            authenticate: { request in
                let token = try Credentials.bearer(request)
                guard let staffTokens, let claims = try? staffTokens.verify(token) else {
                    throw Credentials.invalidToken
                }
                let roles = claims.extra["roles"]?.array?.compactMap(\.string) ?? []
                return StaffPrincipal(subject: claims.sub, roles: Set(roles))
            })
    }

    /// `/internal` without more middleware.
    package var `internal`: Audience<ServicePrincipal> { self.internal() }

    /// `/internal`: service tokens. Bodies may be larger; callers are ours.
    ///
    /// - Parameter more: runs after authentication, so that a stranger cannot make it wait (a
    ///   position barrier). One service uses the same for all of its groups.
    package func `internal`(
        middleware more: [any Middleware] = []
    ) -> Audience<ServicePrincipal> {
        let serviceTokens = serviceTokens
        return Audience(
            name: "internal", prefix: "/internal", strictness: .lenient, bodyLimitBytes: 4 << 20,
            middleware: middleware("internal"), innerMiddleware: more,
            authenticate: { try serviceTokens.verify(Credentials.bearer($0)) })
    }

    /// `/auth`: signing in and out. What the caller shows is in the body or in a cookie, so nothing
    /// is checked before the handler.
    package var auth: Audience<Void> {
        .open(
            name: "auth", prefix: "/auth", bodyLimitBytes: 1 << 14,
            middleware: [RateLimitMiddleware(), OutageMiddleware()])
    }

    /// Everything else, for anyone.
    package var `public`: Audience<Void> { .open(middleware: [OutageMiddleware()]) }

    private func middleware(_ realm: String) -> [any Middleware] {
        [RateLimitMiddleware(), ChallengeMiddleware(realm: realm), OutageMiddleware()]
    }

    /// How staff tokens are checked: HS256, audience `grapevine-admin`, 30 s of skew.
    package static func staffVerifier(
        secret: [UInt8], previous: [UInt8]?, clock: any TimeSource
    ) throws -> JWTVerifier {
        try JWTVerifier(
            algorithm: .hs256(current: secret, previous: previous), audience: "grapevine-admin",
            skew: .seconds(30), clock: clock)
    }
}
