import Contracts
import Kernel

/// Decides who brought whom from events in the order of the log. Pure: it is filled with what is
/// stored, takes events, and tells what is new.
///
/// First touch wins. A visitor's touch becomes the person's when an event shows that they are the
/// same. A touch that must not count (one's own link, a circle) is remembered with its reason and
/// does not stand in the way of a later one that may.
struct AttributionBook: Sendable {
    /// A visitor id that more people use than this says nothing about any of them: a computer in a
    /// library, or a client that sends the same id for everybody.
    static let usersLimit = 5
    /// Referrals above a referrer that are followed in search of a circle. A longer chain cannot be
    /// proven to be free of one and is refused.
    static let chainLimit = 500

    struct PersonTouch: Sendable, Hashable {
        let touch: Touch
        let refusal: TouchRefusal?
    }

    // What is known.
    var linksByCode: [CodeKey: KnownLink] = [:]
    var clicks: [ClickKey: (link: KnownLink, clickedAt: Timestamp)] = [:]
    var visitorTouches: [VisitorKey: Touch] = [:]
    var personTouches: [PersonKey: PersonTouch] = [:]
    /// Who brought a person; also those above the owners of the links in question.
    var referrers: [PersonKey: ParticipantID] = [:]
    var users: [VisitorKey: Set<ParticipantID>] = [:]

    // What is new.
    private(set) var newUsers: [(visitor: VisitorKey, participantID: ParticipantID)] = []
    private(set) var newVisitorTouches: Set<VisitorKey> = []
    private(set) var newPersonTouches: Set<PersonKey> = []
    private(set) var attributions: [Attribution] = []

    /// Takes the next event of the log.
    ///
    /// - Parameter businessOffset: how far ahead the client's business clock runs.
    mutating func take(_ event: LogEvent, businessOffset: Duration) {
        // As workflow-service does: a clock that runs ahead does not count.
        let occurredAt = min(event.occurredAt, event.receivedAt) + businessOffset
        let (visitor, person) = (event.visitorKey, event.personKey)
        if let visitor, let person { connect(visitor, person) }
        if let visitor, let person, !isShared(visitor), let touch = visitorTouches[visitor] {
            offer(touch, to: person, by: event, at: occurredAt)
        }
        guard let claim = ReferralClaim(event),
            let touch = touch(claim, event, occurredAt: occurredAt)
        else { return }
        if let visitor, visitorTouches[visitor] == nil {
            visitorTouches[visitor] = touch
            newVisitorTouches.insert(visitor)
        }
        if let person { offer(touch, to: person, by: event, at: occurredAt) }
    }

    /// The owners of every link that may come to count.
    var possibleReferrers: Set<PersonKey> {
        let links =
            Array(linksByCode.values) + clicks.values.map(\.link)
            + visitorTouches.values.map(\.link)
        return Set(links.map { PersonKey(clientID: $0.clientID, participantID: $0.referrerID) })
    }

    private func touch(
        _ claim: ReferralClaim, _ event: LogEvent, occurredAt: Timestamp
    ) -> Touch? {
        if let clickID = claim.clickID,
            let click = clicks[ClickKey(clientID: event.clientID, clickID: clickID)]
        {
            return Touch(
                link: click.link, clickID: clickID, touchedAt: click.clickedAt, trust: event.trust,
                eventID: event.eventID)
        }
        guard let code = claim.code,
            let link = linksByCode[CodeKey(clientID: event.clientID, code: code)], link.isOpen
        else { return nil }
        return Touch(
            link: link, clickID: nil, touchedAt: occurredAt, trust: event.trust,
            eventID: event.eventID)
    }

    private mutating func connect(_ visitor: VisitorKey, _ person: PersonKey) {
        var known = users[visitor] ?? []
        guard known.count <= Self.usersLimit, known.insert(person.participantID).inserted else {
            return
        }
        users[visitor] = known
        newUsers.append((visitor, person.participantID))
    }

    private func isShared(_ visitor: VisitorKey) -> Bool {
        (users[visitor]?.count ?? 0) > Self.usersLimit
    }

    private mutating func offer(
        _ touch: Touch, to person: PersonKey, by event: LogEvent, at time: Timestamp
    ) {
        guard referrers[person] == nil else { return }
        let refusal = refusal(of: touch, for: person)
        if refusal != nil, personTouches[person] != nil { return }
        personTouches[person] = PersonTouch(touch: touch, refusal: refusal)
        newPersonTouches.insert(person)
        guard refusal == nil else { return }
        referrers[person] = touch.link.referrerID
        attributions.append(
            Attribution(
                person: person, touch: touch, attributedAt: time, traceparent: event.traceparent))
    }

    private func refusal(of touch: Touch, for person: PersonKey) -> TouchRefusal? {
        if touch.link.referrerID == person.participantID { return .selfReferral }
        var above = PersonKey(
            clientID: person.clientID, participantID: touch.link.referrerID)
        for _ in 0..<Self.chainLimit {
            guard let next = referrers[above] else { return nil }
            if next == person.participantID { return .circular }
            above = PersonKey(clientID: person.clientID, participantID: next)
        }
        return .circular
    }
}

extension LogEvent {
    /// Who did it; nil for a visitor who is not known yet.
    var personKey: PersonKey? {
        participant?.participantID.map { PersonKey(clientID: clientID, participantID: $0) }
    }

    /// The browser or device it came from; nil without one, or with one no text column can hold.
    var visitorKey: VisitorKey? {
        guard let id = participant?.anonymousID, !id.isEmpty, !id.utf8.contains(0) else {
            return nil
        }
        return VisitorKey(clientID: clientID, anonymousID: id)
    }
}
