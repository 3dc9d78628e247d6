import Contracts
import Kernel
import PostgresKit

extension AttributionStore {
    /// Keeps what is new in the book. Returns the attributions that came to be; the keys of the
    /// tables decide, whatever was known before.
    func save(
        _ book: AttributionBook, ids: any IDGenerator, in transaction: Transaction
    ) async throws -> [Attribution] {
        var statements: [SQL] = []
        if !book.newUsers.isEmpty { statements.append(Self.insertUsers(book)) }
        if !book.newVisitorTouches.isEmpty {
            statements.append(Self.insertVisitorTouches(book))
        }
        if !book.newPersonTouches.isEmpty { statements.append(Self.insertPersonTouches(book)) }
        guard !book.attributions.isEmpty else {
            if !statements.isEmpty { _ = try await transaction.pipeline(statements) }
            return []
        }
        statements.append(Self.insertAttributions(book.attributions, ids: ids))
        let rows = try await transaction.pipeline(statements).last ?? []
        var made: Set<PersonKey> = []
        for row in rows {
            made.insert(
                PersonKey(
                    clientID: try row.get("client_id"), participantID: try row.get("referee_id")))
        }
        return book.attributions.filter { made.contains($0.person) }
    }

    private static func insertUsers(_ book: AttributionBook) -> SQL {
        let users = book.newUsers.sorted {
            ($0.visitor, $0.participantID) < ($1.visitor, $1.participantID)
        }
        return """
            insert into referral_visitor (client_id, anonymous_id, participant_id)
            select * from unnest(\(users.map(\.visitor.clientID))::uuid[],
                \(users.map(\.visitor.anonymousID))::text[],
                \(users.map(\.participantID))::uuid[])
            on conflict do nothing
            """
    }

    private static func insertVisitorTouches(_ book: AttributionBook) -> SQL {
        let keys = book.newVisitorTouches.sorted()
        let touches = keys.compactMap { book.visitorTouches[$0] }
        return """
            insert into referral_visitor_touch (client_id, anonymous_id, link_id, click_id,
                touched_at, trust, event_id)
            select * from unnest(\(keys.map(\.clientID))::uuid[],
                \(keys.map(\.anonymousID))::text[], \(columns(touches)))
            on conflict (client_id, anonymous_id) do nothing
            """
    }

    /// One that counts takes the place of one that does not.
    private static func insertPersonTouches(_ book: AttributionBook) -> SQL {
        let keys = book.newPersonTouches.sorted()
        let touches = keys.compactMap { book.personTouches[$0] }
        return """
            insert into referral_touch as touch (client_id, participant_id, link_id, click_id,
                touched_at, trust, event_id, refusal)
            select * from unnest(\(keys.map(\.clientID))::uuid[],
                \(keys.map(\.participantID))::uuid[], \(columns(touches.map(\.touch))),
                \(touches.map { $0.refusal?.rawValue })::text[])
            on conflict (client_id, participant_id) do update
            set link_id = excluded.link_id, click_id = excluded.click_id,
                touched_at = excluded.touched_at, trust = excluded.trust,
                event_id = excluded.event_id, refusal = excluded.refusal
            where touch.refusal is not null
            """
    }

    private static func insertAttributions(
        _ attributions: [Attribution], ids: any IDGenerator
    ) -> SQL {
        // Ids in the order of the log; rows in the order of the key, as for every table.
        let new = attributions.map { (id: ids.next(AttributionID.self), made: $0) }
            .sorted { $0.made.person < $1.made.person }
        return """
            insert into referral_attribution (client_id, referee_id, attribution_id, referrer_id,
                attributed_at, link_id, click_id, touched_at, trust, event_id)
            select * from unnest(\(new.map(\.made.person.clientID))::uuid[],
                \(new.map(\.made.person.participantID))::uuid[], \(new.map(\.id))::uuid[],
                \(new.map(\.made.touch.link.referrerID))::uuid[],
                \(new.map(\.made.attributedAt))::timestamptz[],
                \(columns(new.map(\.made.touch))))
            on conflict (client_id, referee_id) do nothing
            returning client_id, referee_id
            """
    }

    /// Link, click, time, trust and event, as arguments of `unnest`.
    private static func columns(_ touches: [Touch]) -> SQL {
        """
        \(touches.map(\.link.linkID))::uuid[], \(touches.map(\.clickID))::uuid[],
        \(touches.map(\.touchedAt))::timestamptz[], \(touches.map(\.trust.rawValue))::text[],
        \(touches.map(\.eventID))::text[]
        """
    }

    // MARK: - Shares and mailboxes

    /// Keeps shares, each event's once. Returns those that are new.
    func insert(_ shares: [NewShare], in transaction: Transaction) async throws -> [NewShare] {
        guard !shares.isEmpty else { return [] }
        let shares = shares.sorted {
            ($0.link.clientID, $0.eventID) < ($1.link.clientID, $1.eventID)
        }
        let rows = try await transaction.query(
            """
            insert into referral_share (client_id, event_id, link_id, participant_id, channel,
                shared_at)
            select * from unnest(\(shares.map(\.link.clientID))::uuid[],
                \(shares.map(\.eventID))::text[], \(shares.map(\.link.linkID))::uuid[],
                \(shares.map(\.participantID))::uuid[], \(shares.map(\.channel))::text[],
                \(shares.map(\.sharedAt))::timestamptz[])
            on conflict (client_id, event_id) do nothing
            returning client_id, event_id
            """)
        var made: Set<String> = []
        for row in rows {
            let client: ClientID = try row.get("client_id")
            made.insert("\(client) \(try row.get("event_id", as: String.self))")
        }
        return shares.filter { made.contains("\($0.link.clientID) \($0.eventID)") }
    }

    /// The links of these codes, each of the client that names it.
    func links(
        _ codes: Set<CodeKey>, in transaction: Transaction
    ) async throws -> [CodeKey: LinkRow] {
        let codes = Array(codes)
        let rows: [LinkRow] = try await transaction.query(
            """
            select \(LinkRow.columns)
            from unnest(\(codes.map(\.clientID))::uuid[], \(codes.map(\.code.text))::text[])
                as asked (client_id, code)
            join referral_link link
                on link.code = asked.code and link.client_id = asked.client_id
            """)
        var links: [CodeKey: LinkRow] = [:]
        for row in rows {
            guard let code = ReferralCode(row.code) else { continue }
            links[CodeKey(clientID: row.clientID, code: code)] = row
        }
        return links
    }

    /// A statement that remembers hashes of people's mailboxes, at most five of each person.
    static func insertion(of mailboxes: [(person: PersonKey, hash: [UInt8])]) -> SQL {
        """
        insert into referral_email (client_id, participant_id, email_hash)
        select client_id, participant_id, email_hash from (
            select new.*, row_number() over (
                partition by client_id, participant_id order by email_hash) as number
            from unnest(\(mailboxes.map(\.person.clientID))::uuid[],
                \(mailboxes.map(\.person.participantID))::uuid[],
                \(mailboxes.map(\.hash))::bytea[])
                as new (client_id, participant_id, email_hash)
            where not exists (select from referral_email known
                where (known.client_id, known.participant_id, known.email_hash)
                    = (new.client_id, new.participant_id, new.email_hash))
        ) numbered
        where number + (select count(*) from referral_email known
            where (known.client_id, known.participant_id)
                = (numbered.client_id, numbered.participant_id)) <= 5
        order by client_id, participant_id, email_hash
        on conflict do nothing
        """
    }
}

/// A share that an event told of.
struct NewShare: Sendable {
    let link: LinkRow
    let eventID: String
    let participantID: ParticipantID?
    let channel: String?
    /// By the client's business clock.
    let sharedAt: Timestamp
    let traceparent: String?
}
