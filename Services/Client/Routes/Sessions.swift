import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// `/auth/sessions`: members sign in, stay signed in and sign out.
struct Sessions: Sendable {
    let signIn: SignIn
    let refreshing: SessionRefresh
    let cookies: RefreshCookie
    let clock: any TimeSource
    /// Nil lets nobody sign in.
    let memberKey: Ed25519PrivateKey?

    /// `POST /auth/sessions`
    func create(_ request: HTTPRequest, _: Void) async throws -> HTTPResponse {
        let key = try prepare(request)
        let opened = try await signIn.perform(
            try request.decode(Credential.self), from: request.remoteAddress)
        return answer(opened, signedWith: key, status: 201)
    }

    /// `POST /auth/sessions/refresh`
    func refresh(_ request: HTTPRequest, _: Void) async throws -> HTTPResponse {
        let key = try prepare(request)
        guard let token = RefreshCookie.token(of: request) else { throw Self.noSession }
        do {
            return answer(try await refreshing.perform(token), signedWith: key, status: 200)
        } catch let problem as Problem where problem.status == 401 {
            var response = HTTPResponse.problem(problem, requestID: request.context.requestID)
            response.headers.add("Set-Cookie", cookies.cleared)
            return response
        }
    }

    /// `DELETE /auth/sessions`: ends the session of the cookie, whether it still counted or not.
    func delete(_ request: HTTPRequest, _: Void) async throws -> HTTPResponse {
        try SameSite.require(request)
        if let token = RefreshCookie.token(of: request) { try await refreshing.end(token) }
        var response = HTTPResponse.noContent
        response.headers.add("Set-Cookie", cookies.cleared)
        return response
    }

    static let noSession = Problem.unauthorized(
        "session_ended", "There is no session, or it has ended. Sign in again.")

    private func prepare(_ request: HTTPRequest) throws(Problem) -> Ed25519PrivateKey {
        try SameSite.require(request)
        guard let memberKey else {
            throw .unavailable("sign_in_not_configured", "Nobody can sign in here yet.")
        }
        return memberKey
    }

    private func answer(
        _ opened: OpenedSession, signedWith key: Ed25519PrivateKey, status: Int
    ) -> HTTPResponse {
        let signed = MemberTokens.sign(opened.resolved, with: key, at: clock.now())
        let headers: HTTPHeaders = [
            "Set-Cookie": cookies.set(opened.refreshToken, lifetime: opened.refreshLifetime),
            "Cache-Control": "no-store",
        ]
        return .json(
            SignedIn(
                token: signed.token, expiresAt: signed.expiresAt, member: opened.member,
                client: opened.client),
            status: status, headers: headers)
    }
}

/// What a member shows to sign in.
struct Credential: Sendable, Decodable {
    let email: String
    let password: String
    /// Needed only by those who are members of several clients.
    let clientID: ClientID?

    private enum CodingKeys: String, CodingKey {
        case email, password
        case clientID = "client_id"
    }
}

/// A session that was opened or refreshed.
struct OpenedSession: Sendable {
    let sessionID: SessionID
    let member: Member
    let client: Client
    let refreshToken: RefreshToken
    let refreshLifetime: Duration

    var resolved: ResolvedSession {
        ResolvedSession(
            sessionID: sessionID, memberID: member.memberID, clientID: client.clientID,
            role: member.role, mode: client.mode, clientStatus: client.status,
            businessClockOffsetMilliseconds: client.businessClockOffsetMilliseconds)
    }
}

/// The answer to a member who is signed in.
private struct SignedIn: Encodable {
    let token: String
    let expiresAt: Timestamp
    let member: Member
    let client: Client

    private enum CodingKeys: String, CodingKey {
        case token, member, client
        case expiresAt = "expires_at"
    }
}
