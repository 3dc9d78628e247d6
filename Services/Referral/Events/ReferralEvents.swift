import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// Follows what visitors and people do: who followed whose link, who shared theirs, who is who.
struct ReferralEvents: Sendable {
    static let sharedType = "referral_shared"
    /// All that can have an effect here: news, shares, touches (`ReferralClaim`), events that show
    /// a visitor to be a person, and mailboxes. Of any other event a book learns nothing.
    static let wanted = Wanted(
        types: NewsTaking.types.union(ReferralClaim.visitTypes).union([sharedType]),
        facets: [.identity, .referral, .traits])
    private static let maximumChannelLength = 50

    let news: NewsTaking
    let attributions: AttributionStore
    let outbox: Outbox
    let messages: ReferralMessages
    let hash: KeyedHash
    let ids: any IDGenerator

    /// Lets the events of one shard take effect, in order, in the subscriber's transaction.
    func apply(_ events: [LogEvent], in transaction: Transaction) async throws {
        // News is rare; between two pieces of it events are followed together.
        var rest = events[...]
        while let event = rest.first {
            if NewsTaking.isNews(event) {
                try await news.apply(event, in: transaction)
                rest = rest.dropFirst()
            } else {
                let run = rest.prefix { !NewsTaking.isNews($0) }
                try await follow(Array(run), in: transaction)
                rest = rest[run.endIndex...]
            }
        }
    }

    private func follow(_ events: [LogEvent], in transaction: Transaction) async throws {
        // What services say is about nobody's visit.
        let events = events.filter { $0.participant != nil && $0.trust != .internal }
        guard !events.isEmpty else { return }
        var others = [CampaignStore.offsets(of: Set(events.map(\.clientID)))]
        let mailboxes = mailboxes(events)
        if !mailboxes.isEmpty { others.append(AttributionStore.insertion(of: mailboxes)) }
        var (book, rows) = try await attributions.load(
            AttributionQuestion(events), beside: others, in: transaction)
        let offsets = try CampaignStore.offsets(in: rows[0])
        for event in events {
            book.take(event, businessOffset: offsets[event.clientID] ?? .zero)
        }
        let made = try await attributions.save(book, ids: ids, in: transaction)
        var tidings = try made.map(announcement)
        tidings += try await takeShares(events, offsets, in: transaction)
        try await outbox.append(tidings, in: transaction)
    }

    private func announcement(_ made: Attribution) throws -> LogMessage {
        let link = made.touch.link
        let activity = ReferralActivity(
            linkID: link.linkID, code: link.code, referrerID: link.referrerID,
            participantID: made.person.participantID, clickID: made.touch.clickID)
        return try messages.message(
            ReferralMessage.attributed, activity, of: made.person.clientID,
            campaign: link.campaignID, subject: made.person.participantID.description,
            at: made.attributedAt, traceparent: made.traceparent)
    }

    private func mailboxes(_ events: [LogEvent]) -> [(person: PersonKey, hash: [UInt8])] {
        var mailboxes: [(person: PersonKey, hash: [UInt8])] = []
        var seen: [PersonKey: Set<EmailAddress>] = [:]
        for event in events {
            guard let person = event.personKey,
                let text = event.participant?.told?.member("email")?.string,
                let email = EmailAddress(text), seen[person, default: []].insert(email).inserted
            else { continue }
            mailboxes.append((person, hash.email(email, of: event.clientID)))
        }
        return mailboxes
    }

    private func takeShares(
        _ events: [LogEvent], _ offsets: [ClientID: Duration], in transaction: Transaction
    ) async throws -> [LogMessage] {
        var told: [(event: LogEvent, code: CodeKey)] = []
        for event in events where event.type == Self.sharedType && !event.eventID.utf8.contains(0) {
            guard let text = event.properties["code"]?.string, let code = ReferralCode(text) else {
                continue
            }
            told.append((event, CodeKey(clientID: event.clientID, code: code)))
        }
        guard !told.isEmpty else { return [] }
        let links = try await attributions.links(Set(told.map(\.code)), in: transaction)
        let shares = told.compactMap { event, code in
            links[code].map { link in
                NewShare(
                    link: link, eventID: event.eventID,
                    participantID: event.participant?.participantID,
                    channel: Self.channel(of: event),
                    sharedAt: event.occurredAt + (offsets[event.clientID] ?? .zero),
                    traceparent: event.traceparent)
            }
        }
        return try await attributions.insert(shares, in: transaction).map { share in
            let link = share.link
            let activity = ReferralActivity(
                linkID: link.linkID, code: link.code, referrerID: link.participantID,
                channel: share.channel)
            return try messages.message(
                ReferralMessage.shared, activity, of: link.clientID, campaign: link.campaignID,
                subject: link.linkID.description, at: share.sharedAt,
                traceparent: share.traceparent)
        }
    }

    /// A short word; anything else is left out.
    private static func channel(of event: LogEvent) -> String? {
        guard let text = event.properties["channel"]?.string,
            (1...maximumChannelLength).contains(text.unicodeScalars.count),
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { return nil }
        return text
    }
}
