import Contracts
import Kernel
import PostgresKit

/// Somebody who may be signing in: the member, its password's hash, and how its client stands.
struct SignInCandidate: Sendable {
    let member: Member
    let passwordHash: String
    let client: Client
}

/// The table of members.
struct MemberStore: Sendable {
    let postgres: PostgresClient

    /// A client's members in order of creation, removed ones too; one more than `limit` when there
    /// are more.
    func list(
        of client: ClientID, after: MemberID?, limit: Int
    ) async throws(PostgresError) -> [Member] {
        try await postgres.query(
            """
            select client_id, member_id, email, name, role, created_by, created_at, removed_at
            from member where client_id = \(client)
            and (\(after)::uuid is null or member_id > \(after)::uuid)
            order by member_id limit \(limit + 1)
            """, as: MemberRow.self
        ).map(\.member)
    }

    /// Members with an address, of one client or of any; at most two, because more than one cannot
    /// sign in without naming the client.
    func candidates(
        email: EmailAddress, client: ClientID?
    ) async throws(PostgresError) -> [SignInCandidate] {
        try await postgres.query(
            """
            select m.client_id, m.member_id, m.email, m.name, m.role, m.created_by, m.created_at,
                m.removed_at, m.password_hash, c.name as client_name, c.mode, c.status,
                c.business_clock_offset_milliseconds, c.version,
                c.created_at as client_created_at, c.updated_at
            from member m join client c on c.client_id = m.client_id
            where m.email = \(email.text) and m.removed_at is null
            and (\(client)::uuid is null or m.client_id = \(client)::uuid)
            limit 2
            """, as: CandidateRow.self
        ).map(\.candidate)
    }

    /// How many members a client has. The client must be locked.
    func count(
        of client: ClientID, in transaction: Transaction
    ) async throws(PostgresError) -> Int {
        let row = try await transaction.queryOne(
            """
            select count(*) as number from member
            where client_id = \(client) and removed_at is null
            """)
        return try row?.get("number") ?? 0
    }

    /// Adds a member. False when the client has one with that address.
    func insert(
        _ member: Member, passwordHash: String, in transaction: Transaction
    ) async throws(PostgresError) -> Bool {
        let added = try await transaction.execute(
            """
            insert into member (
                client_id, member_id, email, name, role, password_hash, created_by, created_at)
            values (
                \(member.clientID), \(member.memberID), \(member.email), \(member.name),
                \(member.role), \(passwordHash), \(member.createdBy), \(member.createdAt))
            on conflict (client_id, email) where removed_at is null do nothing
            """)
        return added == 1
    }

    func update(
        passwordHash: String, of member: Member, in transaction: Transaction
    ) async throws(PostgresError) {
        try await transaction.execute(
            """
            update member set password_hash = \(passwordHash)
            where client_id = \(member.clientID) and member_id = \(member.memberID)
            """)
    }

    /// Removes a member for good. `isNews` is false when that was done before.
    /// Throws `ClientFailure.memberNotFound`.
    func remove(
        _ member: MemberID, of client: ClientID, at now: Timestamp, in transaction: Transaction
    ) async throws -> (member: Member, isNews: Bool) {
        let changed = try await transaction.execute(
            """
            update member set removed_at = \(now)
            where client_id = \(client) and member_id = \(member) and removed_at is null
            """)
        let row = try await transaction.queryOne(
            """
            select client_id, member_id, email, name, role, created_by, created_at, removed_at
            from member where client_id = \(client) and member_id = \(member)
            """, as: MemberRow.self)
        guard let row else { throw ClientFailure.memberNotFound }
        return (row.member, changed == 1)
    }
}

/// The columns of a member.
struct MemberRow: RowDecodable {
    let member: Member

    init(row: Row) throws(PostgresError) {
        member = Member(
            memberID: try row.get("member_id"), clientID: try row.get("client_id"),
            email: try row.get("email"), name: try row.get("name"), role: try row.get("role"),
            createdBy: try row.get("created_by"), createdAt: try row.get("created_at"),
            removedAt: try row.get("removed_at"))
    }
}

private struct CandidateRow: RowDecodable {
    let candidate: SignInCandidate

    init(row: Row) throws(PostgresError) {
        let version: Int32 = try row.get("version")
        let member = try MemberRow(row: row).member
        candidate = SignInCandidate(
            member: member, passwordHash: try row.get("password_hash"),
            client: Client(
                clientID: member.clientID, name: try row.get("client_name"),
                mode: try row.get("mode"), status: try row.get("status"),
                businessClockOffsetMilliseconds: try row.get("business_clock_offset_milliseconds"),
                version: Int(version), createdAt: try row.get("client_created_at"),
                updatedAt: try row.get("updated_at")))
    }
}
