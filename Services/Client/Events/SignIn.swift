import Contracts
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit

/// Lets a member in who knows the password.
///
/// Nobody learns here which addresses are members': an unknown one costs the same work and gets the
/// same answer as a wrong password, and so does one that several clients know.
struct SignIn: Sendable {
    static let perAddress = RateLimitPolicy("sign_in_address", limit: 60, per: .seconds(900))
    static let perEmail = RateLimitPolicy("sign_in_email", limit: 10, per: .seconds(900))
    /// What an unknown address is compared with: the hash of a password that nobody knows.
    static let nobodysHash =
        "$scrypt$ln=15,r=8,p=3$Z3JhcGV2aW5lIG5vYm9keQ"
        + "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    let members: MemberStore
    let sessions: SessionStore
    let audit: AuditStore
    let context: ServiceContext

    /// Throws 401 `invalid_credentials`, 403 for a client that may not, 429.
    func perform(_ credential: Credential, from address: String?) async throws -> OpenedSession {
        guard let email = EmailAddress(credential.email) else { throw refuse("no_address") }
        try await limit(email, address)
        let found = try await members.candidates(email: email, client: credential.clientID)
        let candidate = found.count == 1 ? found.first : nil
        let isRight = try await PasswordWork.verify(
            credential.password, against: candidate?.passwordHash ?? Self.nobodysHash)
        guard let candidate, isRight else {
            throw refuse(candidate == nil ? "unknown" : "wrong_password")
        }
        try candidate.client.requireActive()
        return try await open(candidate, credential.password)
    }

    private func open(
        _ candidate: SignInCandidate, _ password: String
    ) async throws -> OpenedSession {
        let now = context.world.clock.now()
        let member = candidate.member
        let session = MemberSession(of: member, sessionID: context.world.ids.next(), at: now)
        let token = RefreshToken.generate()
        let newHash =
            PasswordHash.needsRehash(candidate.passwordHash)
            ? try await PasswordWork.hash(password) : nil
        try await context.postgres.withTransaction { transaction in
            try await sessions.begin(session, in: transaction)
            try await sessions.issue(
                token, session: session.sessionID, client: session.clientID, at: now,
                until: now + SessionPolicy.idleLifetime, in: transaction)
            if let newHash {
                try await members.update(passwordHash: newHash, of: member, in: transaction)
            }
            try await audit.append(
                AuditEntry(
                    clientID: member.clientID, actor: member.memberID.description,
                    action: .beginSession, target: session.sessionID.description, detail: "",
                    at: now), in: transaction)
        }
        count("signed_in")
        return OpenedSession(
            sessionID: session.sessionID, member: member, client: candidate.client,
            refreshToken: token, refreshLifetime: SessionPolicy.idleLifetime)
    }

    private func limit(_ email: EmailAddress, _ address: String?) async throws(Problem) {
        var subjects = [RateLimitSubject(Self.perEmail, Self.pseudonym(email.text))]
        if let address {
            subjects.append(RateLimitSubject(Self.perAddress, Self.pseudonym(address)))
        }
        try await context.limiter.enforce(subjects, scope: ManageClients.platform)
    }

    /// What leaves the process instead of people's data.
    private static func pseudonym(_ text: String) -> String {
        Hex.encode(Array(Digest.sha256(Array(text.utf8)).prefix(16)))
    }

    private func refuse(_ outcome: String) -> Problem {
        count(outcome)
        return .unauthorized(
            "invalid_credentials",
            "E-mail and password do not belong together. Who is a member of several clients also "
                + "names one of them with 'client_id'.")
    }

    private func count(_ outcome: String) {
        context.telemetry.metrics.counter(
            "grapevine_sign_ins_total", help: "Attempts to sign in, by how they ended.",
            [("outcome", outcome)]
        ).increment()
    }
}

extension Client {
    /// Throws 403 unless the client may use the platform.
    func requireActive() throws(Problem) {
        switch status {
        case .active: return
        case .suspended: throw .forbidden("client_suspended", "This client is suspended.")
        case .closed: throw .forbidden("client_closed", "This client is closed.")
        }
    }
}
