import Contracts
import HTTPKit
package import Kernel
import SecurityKit

/// Turns a member token into a principal.
package struct MemberAuthenticator: Sendable {
    private let keys: any MemberKeySource
    private let sessions: any SessionResolver
    private let clock: any TimeSource

    /// - Parameters:
    ///   - keys: whose signatures count.
    ///   - sessions: whether a token's session still does.
    package init(
        keys: any MemberKeySource, sessions: any SessionResolver, clock: any TimeSource
    ) {
        self.keys = keys
        self.sessions = sessions
        self.clock = clock
    }

    /// Whether a credential looks like a token rather than a key: three parts with dots between.
    static func isToken(_ text: String) -> Bool {
        text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: ".") ? 1 : 0) } == 2
    }

    /// Throws 401 `invalid_token`, 403 for a client that may not, 503 when it cannot be known.
    func principal(_ token: String) async throws -> PortalPrincipal {
        guard token.utf8.count <= JWTVerifier.maximumByteCount,
            let kid = JWTHeader.kid(of: token), kid.utf8.count <= 100,
            let key = try await keys.key(kid)
        else { throw Credentials.invalidToken }
        let verifier = try JWTVerifier(
            algorithm: .edDSA([kid: key]), audience: MemberTokens.audience,
            issuer: MemberTokens.issuer, maximumLifetime: MemberTokens.lifetime, clock: clock)
        guard let claims = (try? verifier.verify(token)).flatMap(MemberClaims.init),
            let session = try await sessions.resolve(claims.sessionID),
            session.memberID == claims.memberID, session.clientID == claims.clientID
        else { throw Credentials.invalidToken }
        try session.clientStatus.requireActive()
        return PortalPrincipal(
            clientID: session.clientID,
            actor: .member(session.memberID, role: session.role.rawValue), scopes: [],
            mode: session.mode,
            businessClockOffset: .milliseconds(session.businessClockOffsetMilliseconds))
    }
}

extension ClientStatus {
    /// Throws 403 unless the client may use the platform.
    func requireActive() throws(Problem) {
        switch self {
        case .active: return
        case .suspended: throw .forbidden("client_suspended", "This client is suspended.")
        case .closed: throw .forbidden("client_closed", "This client is closed.")
        }
    }
}
