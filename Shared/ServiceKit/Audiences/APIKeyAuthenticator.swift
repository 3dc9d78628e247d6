import Contracts
import HTTPKit
import Kernel
import SecurityKit

/// Turns an API key, or a member token where members may call, into a principal.
struct APIKeyAuthenticator: Sendable {
    let resolver: any APIKeyResolver
    /// Nil refuses every member token.
    let members: MemberAuthenticator?
    let limiter: RateLimiter
    let limits: AudienceLimits
    /// Where `sdk` callers may put the key.
    var places = KeyPlaces.headers

    func portal(_ request: HTTPRequest) async throws -> PortalPrincipal {
        let credential = try Credentials.bearer(request)
        if MemberAuthenticator.isToken(credential) {
            guard let members else { throw Credentials.invalidToken }
            let principal = try await members.principal(credential)
            try await count(principal.actor.text, of: principal.clientID)
            return principal
        }
        let key = try await resolve(credential)
        guard key.kind == .secret else {
            throw Problem.forbidden(
                "secret_key_required", "Call this from your server with a secret key.")
        }
        try await count(key.keyID.description, of: key.clientID)
        return PortalPrincipal(
            clientID: key.clientID, actor: .key(key.keyID), scopes: Set(key.scopes),
            mode: key.mode, businessClockOffset: key.businessClockOffset)
    }

    func sdk(_ request: HTTPRequest) async throws -> SDKPrincipal {
        let key = try await resolve(places.key(of: request))
        try Self.checkOrigin(of: request, for: key)
        try await count(key.keyID.description, of: key.clientID)
        return SDKPrincipal(
            clientID: key.clientID, keyID: key.keyID, kind: key.kind,
            trust: key.kind == .publishable ? .browser : .server, scopes: Set(key.scopes),
            mode: key.mode, businessClockOffset: key.businessClockOffset)
    }

    private func resolve(_ text: String) async throws -> ResolvedKey {
        // The shape tells most wrong credentials without asking anybody.
        guard let secret = APIKeySecret(parsing: text),
            let key = try await resolver.resolve(secret.hash)
        else { throw Credentials.invalidKey }
        try key.clientStatus.requireActive()
        return key
    }

    private func count(_ caller: String, of client: ClientID) async throws(Problem) {
        var subjects: [RateLimitSubject] = []
        if let policy = limits.perKey {
            subjects.append(RateLimitSubject(policy, caller))
        }
        if let policy = limits.perClient {
            subjects.append(RateLimitSubject(policy, client.description))
        }
        guard !subjects.isEmpty else { return }
        try await limiter.enforce(subjects, scope: client)
    }

    /// A publishable key with a list of origins works only from pages of those origins. A request
    /// without `Origin` is refused too: browsers send it with every POST and every cross-origin
    /// call.
    static func checkOrigin(of request: HTTPRequest, for key: ResolvedKey) throws(Problem) {
        guard key.kind == .publishable, !key.origins.isEmpty else { return }
        let sent = request.headers.values("Origin")
        guard sent.count == 1, let origin = sent.first,
            key.origins.contains(where: {
                HTTPHeaders.isSameName($0, origin)
            })
        else {
            throw .forbidden(
                "origin_not_allowed", "This key may not be used from this web origin.")
        }
    }
}

extension ResolvedKey {
    var businessClockOffset: Duration { .milliseconds(businessClockOffsetMilliseconds) }
}
