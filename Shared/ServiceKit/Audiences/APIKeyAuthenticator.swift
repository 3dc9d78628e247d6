import Contracts
import HTTPKit
import Kernel
import SecurityKit

/// Turns an API key into a principal, for `/v1/portal` and `/v1/sdk`.
struct APIKeyAuthenticator: Sendable {
    let resolver: any APIKeyResolver
    let limiter: RateLimiter
    let limits: AudienceLimits

    func portal(_ request: HTTPRequest) async throws -> PortalPrincipal {
        let key = try await resolve(Credentials.bearer(request))
        guard key.kind == .secret else {
            throw Problem.forbidden(
                "secret_key_required", "Call this from your server with a secret key.")
        }
        try await count(key)
        return PortalPrincipal(
            clientID: key.clientID, actor: .key(key.keyID), scopes: Set(key.scopes),
            mode: key.mode, businessClockOffset: key.businessClockOffset)
    }

    func sdk(_ request: HTTPRequest) async throws -> SDKPrincipal {
        let key = try await resolve(Credentials.apiKey(request))
        try Self.checkOrigin(of: request, for: key)
        try await count(key)
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
        switch key.clientStatus {
        case .active: return key
        case .suspended:
            throw Problem.forbidden("client_suspended", "This client is suspended.")
        case .closed:
            throw Problem.forbidden("client_closed", "This client is closed.")
        }
    }

    private func count(_ key: ResolvedKey) async throws(Problem) {
        var subjects: [RateLimitSubject] = []
        if let policy = limits.perKey {
            subjects.append(RateLimitSubject(policy, key.keyID.description))
        }
        if let policy = limits.perClient {
            subjects.append(RateLimitSubject(policy, key.clientID.description))
        }
        guard !subjects.isEmpty else { return }
        try await limiter.enforce(subjects, scope: key.clientID)
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
