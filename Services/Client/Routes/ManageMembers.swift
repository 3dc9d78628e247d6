import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// The routes of members, for staff.
struct ManageMembers: Sendable {
    let creation: MemberCreation
    let changes: ClientChanges
    let store: MemberStore
    let sessions: SessionStore
    let context: ServiceContext

    /// `GET /v1/admin/clients/{client_id}/members`
    func list(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        let client = try request.pathParameters.client()
        let page = try request.query.page()
        let rows = try await store.list(
            of: client, after: try request.query.cursor(), limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.memberID.description })
    }

    /// `POST /v1/admin/clients/{client_id}/members`
    func create(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        let client = try request.pathParameters.client()
        let new = try request.decode(NewMember.self)
        let key = try Self.key(request, new)
        return try await creation.create(new, of: client, by: staff.actor, key).response
    }

    /// `POST /v1/admin/clients/{client_id}/members/{member_id}/remove`; for good, with all
    /// sessions. Answered once the log has the message.
    func remove(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        let client = try request.pathParameters.client()
        guard let id = request.pathParameters["member_id"].flatMap({ MemberID($0) }) else {
            throw ClientFailure.memberNotFound
        }
        let now = context.world.clock.now()
        let key = try IdempotencyRequest(request, clientID: ManageClients.platform)
        return try await changes.perform(key, awaited: \Member.removalMessageID) { transaction in
            let (member, isNews) = try await store.remove(
                id, of: client, at: now, in: transaction)
            guard isNews else { return Change(noun: member, news: nil) }
            try await sessions.endAll(
                of: id, client: client, because: .removed, at: now, in: transaction)
            let entry = AuditEntry(
                clientID: client, actor: staff.actor, action: .removeMember,
                target: id.description, detail: "\(member.role.rawValue)", at: now)
            return Change(noun: member, news: (try ClientMessages.removed(member, at: now), entry))
        }.answer.response
    }

    /// The password is not part of what makes a repeat the same request: a plain hash of it would
    /// be stored for days otherwise.
    private static func key(
        _ request: HTTPRequest, _ new: NewMember
    ) throws(Problem) -> IdempotencyRequest? {
        try IdempotencyRequest(request, clientID: ManageClients.platform).map { key in
            IdempotencyRequest(
                clientID: key.clientID, route: key.route, key: key.key,
                payload: Array("\(new.email)\n\(new.name)\n\(new.role.rawValue)".utf8))
        }
    }
}

/// Makes members: for staff over HTTP and for the command of the executable.
struct MemberCreation: Sendable {
    let changes: ClientChanges
    let clients: ClientStore
    let members: MemberStore
    let context: ServiceContext

    /// Throws 400 with everything that is wrong, `ClientFailure` when there is no such client, it
    /// is closed or full, or has a member with that address.
    func create(
        _ new: NewMember, of clientID: ClientID, by actor: String, _ key: IdempotencyRequest?
    ) async throws -> IdempotentAnswer {
        guard new.problems.isEmpty, let email = EmailAddress(new.email) else {
            throw Problem.invalid(new.problems)
        }
        // Before the transaction: this takes a tenth of a second.
        let passwordHash = try await PasswordWork.hash(new.password)
        let now = context.world.clock.now()
        let member = Member(
            memberID: context.world.ids.next(), clientID: clientID, email: email.text,
            name: new.name, role: new.role, createdBy: actor, createdAt: now, removedAt: nil)
        let entry = AuditEntry(
            clientID: clientID, actor: actor, action: .createMember,
            target: member.memberID.description, detail: member.role.rawValue, at: now)
        return try await changes.perform(key, status: 201) { transaction in
            let client = try await clients.lock(clientID, in: transaction)
            guard client.status != .closed else { throw ClientFailure.closed }
            guard
                try await members.count(of: clientID, in: transaction) < Member.maximumPerClient
            else { throw ClientFailure.tooManyMembers(limit: Member.maximumPerClient) }
            guard
                try await members.insert(member, passwordHash: passwordHash, in: transaction)
            else { throw ClientFailure.memberExists }
            return Change(noun: member, entry: entry)
        }.answer
    }
}

/// Hashing with what its failures mean to a caller.
enum PasswordWork {
    static func hash(_ password: String) async throws(Problem) -> String {
        do {
            return try await PasswordHash.hash(password)
        } catch {
            throw problem(error)
        }
    }

    static func verify(_ password: String, against hash: String) async throws(Problem) -> Bool {
        do {
            return try await PasswordHash.verify(password, against: hash)
        } catch {
            throw problem(error)
        }
    }

    private static func problem(_ error: SecurityError) -> Problem {
        error == .busy
            ? .unavailable("too_busy", "Too many people sign in right now. Try again shortly.")
            : .internalError
    }
}
