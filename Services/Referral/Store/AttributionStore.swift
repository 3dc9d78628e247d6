import Contracts
import Kernel
import PostgresKit

/// What a batch of events asks about.
struct AttributionQuestion: Sendable {
    var clicks: Set<ClickKey> = []
    var codes: Set<CodeKey> = []
    var visitors: Set<VisitorKey> = []
    var people: Set<PersonKey> = []

    init(_ events: [LogEvent]) {
        for event in events {
            if let visitor = event.visitorKey { visitors.insert(visitor) }
            if let person = event.personKey { people.insert(person) }
            if let claim = ReferralClaim(event) {
                if let id = claim.clickID {
                    clicks.insert(ClickKey(clientID: event.clientID, clickID: id))
                }
                if let code = claim.code {
                    codes.insert(CodeKey(clientID: event.clientID, code: code))
                }
            }
        }
    }
}

/// Loads and keeps what attribution is made from, a batch at a time. Its transaction is the
/// subscriber's, which takes one client's events in one order.
struct AttributionStore: Sendable {
    /// A link with whether a code by itself counts.
    private static let linkColumns: SQL = """
        link.link_id, link.campaign_id, link.participant_id as owner_id, link.code,
        (campaign.status = 'active') as is_open
        """

    private static let joinCampaign: SQL = """
        join campaign on campaign.client_id = link.client_id
            and campaign.campaign_id = link.campaign_id
        """

    /// Fills a book with all that the events ask about: one round trip, or two when somebody may
    /// come to have been brought.
    ///
    /// - Parameter others: statements that travel with the first ones; their rows are returned.
    func load(
        _ question: AttributionQuestion, beside others: [SQL] = [], in transaction: Transaction
    ) async throws -> (AttributionBook, others: [[Row]]) {
        let parts = Self.parts(question)
        let results = try await transaction.pipeline(others + parts.map(\.statement))
        var book = AttributionBook()
        for (part, rows) in zip(parts, results.dropFirst(others.count)) {
            for row in rows { try part.read(row, &book) }
        }
        if question.people.contains(where: { book.referrers[$0] == nil }) {
            try await loadChains(&book, in: transaction)
        }
        return (book, Array(results.prefix(others.count)))
    }

    /// A statement and how its rows come into the book.
    private struct Part {
        let statement: SQL
        let read: (Row, inout AttributionBook) throws -> Void
    }

    /// Only what the events need.
    private static func parts(_ question: AttributionQuestion) -> [Part] {
        let (visitors, people) = (question.visitors.sorted(), question.people.sorted())
        var parts: [Part] = []
        if !question.clicks.isEmpty {
            parts.append(Part(statement: clicks(Array(question.clicks)), read: readClick))
        }
        if !question.codes.isEmpty {
            parts.append(Part(statement: codes(Array(question.codes)), read: readCode))
        }
        if !visitors.isEmpty {
            parts.append(Part(statement: visitorTouches(visitors), read: readVisitorTouch))
            parts.append(Part(statement: users(visitors), read: readUser))
        }
        if !people.isEmpty {
            parts.append(Part(statement: personTouches(people), read: readPersonTouch))
            parts.append(Part(statement: attributions(people), read: readAttribution))
        }
        return parts
    }

    /// Who brought the owners of the links in question, and who brought those, and so on.
    private func loadChains(
        _ book: inout AttributionBook, in transaction: Transaction
    ) async throws {
        let owners = book.possibleReferrers.sorted()
        guard !owners.isEmpty else { return }
        for row in try await transaction.query(Self.chains(above: owners)) {
            try Self.readAttribution(row, &book)
        }
    }

    // MARK: - Statements

    private static func chains(above owners: [PersonKey]) -> SQL {
        """
        with recursive chain (client_id, referee_id, referrer_id, depth) as (
            select client_id, referee_id, referrer_id, 1 from referral_attribution
            where (client_id, referee_id) in (\(asked(owners)))
            union
            select above.client_id, above.referee_id, above.referrer_id, chain.depth + 1
            from chain join referral_attribution above
                on above.client_id = chain.client_id
                and above.referee_id = chain.referrer_id
            where chain.depth <= \(AttributionBook.chainLimit)
        )
        select distinct client_id, referee_id, referrer_id from chain
        """
    }

    private static func clicks(_ keys: [ClickKey]) -> SQL {
        """
        select click.client_id, click.click_id, click.clicked_at, \(linkColumns)
        from referral_click click
        join referral_link link on link.link_id = click.link_id
        \(joinCampaign)
        where (click.client_id, click.click_id) in (
            select * from unnest(\(keys.map(\.clientID))::uuid[],
                \(keys.map(\.clickID))::uuid[]))
        """
    }

    private static func codes(_ keys: [CodeKey]) -> SQL {
        """
        select link.client_id, \(linkColumns)
        from unnest(\(keys.map(\.clientID))::uuid[], \(keys.map(\.code.text))::text[])
            as asked (client_id, code)
        join referral_link link on link.code = asked.code and link.client_id = asked.client_id
        \(joinCampaign)
        """
    }

    private static func visitorTouches(_ keys: [VisitorKey]) -> SQL {
        """
        select touch.client_id, touch.anonymous_id, touch.click_id, touch.touched_at, touch.trust,
            touch.event_id, \(linkColumns)
        from referral_visitor_touch touch
        join referral_link link on link.link_id = touch.link_id
        \(joinCampaign)
        where (touch.client_id, touch.anonymous_id) in (\(asked(keys)))
        """
    }

    private static func users(_ keys: [VisitorKey]) -> SQL {
        """
        select client_id, anonymous_id, participant_id from referral_visitor
        where (client_id, anonymous_id) in (\(asked(keys)))
        """
    }

    private static func personTouches(_ keys: [PersonKey]) -> SQL {
        """
        select touch.client_id, touch.participant_id, touch.click_id, touch.touched_at,
            touch.trust, touch.event_id, touch.refusal, \(linkColumns)
        from referral_touch touch
        join referral_link link on link.link_id = touch.link_id
        \(joinCampaign)
        where (touch.client_id, touch.participant_id) in (\(asked(keys)))
        """
    }

    private static func attributions(_ keys: [PersonKey]) -> SQL {
        """
        select client_id, referee_id, referrer_id from referral_attribution
        where (client_id, referee_id) in (\(asked(keys)))
        """
    }

    private static func asked(_ keys: [VisitorKey]) -> SQL {
        """
        select * from unnest(\(keys.map(\.clientID))::uuid[], \(keys.map(\.anonymousID))::text[])
        """
    }

    private static func asked(_ keys: [PersonKey]) -> SQL {
        """
        select * from unnest(\(keys.map(\.clientID))::uuid[],
            \(keys.map(\.participantID))::uuid[])
        """
    }

    // MARK: - Rows

    private static func readClick(_ row: Row, _ book: inout AttributionBook) throws {
        let link = try link(row)
        let key = ClickKey(clientID: link.clientID, clickID: try row.get("click_id"))
        book.clicks[key] = (link, try row.get("clicked_at"))
    }

    private static func readCode(_ row: Row, _ book: inout AttributionBook) throws {
        let link = try link(row)
        guard let code = ReferralCode(link.code) else { return }
        book.linksByCode[CodeKey(clientID: link.clientID, code: code)] = link
    }

    private static func readVisitorTouch(_ row: Row, _ book: inout AttributionBook) throws {
        book.visitorTouches[try visitor(row)] = try touch(row)
    }

    private static func readUser(_ row: Row, _ book: inout AttributionBook) throws {
        book.users[try visitor(row), default: []].insert(try row.get("participant_id"))
    }

    private static func readPersonTouch(_ row: Row, _ book: inout AttributionBook) throws {
        book.personTouches[try person(row, "participant_id")] = AttributionBook.PersonTouch(
            touch: try touch(row), refusal: try row.get("refusal"))
    }

    private static func readAttribution(_ row: Row, _ book: inout AttributionBook) throws {
        book.referrers[try person(row, "referee_id")] = try row.get("referrer_id")
    }

    private static func visitor(_ row: Row) throws(PostgresError) -> VisitorKey {
        VisitorKey(clientID: try row.get("client_id"), anonymousID: try row.get("anonymous_id"))
    }

    private static func person(_ row: Row, _ column: String) throws(PostgresError) -> PersonKey {
        PersonKey(clientID: try row.get("client_id"), participantID: try row.get(column))
    }

    private static func link(_ row: Row) throws(PostgresError) -> KnownLink {
        KnownLink(
            linkID: try row.get("link_id"), clientID: try row.get("client_id"),
            campaignID: try row.get("campaign_id"), referrerID: try row.get("owner_id"),
            code: try row.get("code"), isOpen: try row.get("is_open"))
    }

    private static func touch(_ row: Row) throws(PostgresError) -> Touch {
        Touch(
            link: try link(row), clickID: try row.get("click_id"),
            touchedAt: try row.get("touched_at"), trust: try row.get("trust"),
            eventID: try row.get("event_id"))
    }
}
