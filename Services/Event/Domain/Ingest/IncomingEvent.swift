import Contracts
import HTTPKit
import Kernel

/// What is known of a batch besides its bytes.
struct IngestContext: Sendable {
    let clientID: ClientID
    var trust: Trust
    let receivedAt: Timestamp
    let traceparent: String
    let door: EventDoor
    /// The device, where the request came from it.
    let origin: EventOrigin
    /// What the key's secret may have signed; nil for what came without a key.
    let signed: SignedBody?
    /// By which the client's server vouches for a person.
    var userToken: String?
    /// How many events the client's turn was for; zero for what waited for none.
    var foreseenEvents = 0
    /// As every event of the batch is written down with them.
    let clientText: String
    let receivedText: String

    init(
        clientID: ClientID, trust: Trust, receivedAt: Timestamp, traceparent: String,
        door: EventDoor = EventDoor(), origin: EventOrigin = EventOrigin(),
        signed: SignedBody? = nil, userToken: String? = nil
    ) {
        self.clientID = clientID
        self.trust = trust
        self.receivedAt = receivedAt
        self.traceparent = traceparent
        self.door = door
        self.origin = origin
        self.signed = signed
        self.userToken = userToken
        clientText = clientID.description
        receivedText = receivedAt.description
    }
}

/// A request's body with the header that may sign it.
struct SignedBody: Sendable {
    let signature: String?
    let body: [UInt8]
}

/// One event, checked. Keeps slices of the sender's bytes: what is only passed on is never built
/// anew. A class, because it has much to count references of and is passed on by many.
final class IncomingEvent: Sendable {
    /// The largest event, in bytes as sent.
    static let maximumBytes = 32 << 10
    /// Levels of objects and arrays in one event. Well below what readers of JSON accept, because
    /// the envelope and the feed put more around it.
    static let maximumDepth = 32
    /// The longest id of a person, visitor or subject, in characters.
    static let maximumIDLength = 200
    /// The member of the context under which the sender's own words are kept where ours differ.
    static let toldName = "told"

    let type: String
    let eventID: String
    let occurredAt: Timestamp
    /// The client's own id of the person.
    let externalID: String?
    let anonymousID: String?
    let campaignID: CampaignID?
    let subject: String?
    let traits: EncodedJSON?
    let properties: EncodedJSON?
    /// Where the person was by the sender's word; goes no further than its hash.
    let address: String?
    /// Everything else that the sender said (page, device, campaign parameters, …).
    let context: [EncodedJSON.Member]
    /// What makes it count once within a while; nil for most events.
    let interaction: Interaction?
    /// What the sender said, for telling a repeat from another event with the same id.
    let source: ArraySlice<UInt8>

    /// Checks one element of a native batch. Throws the first thing that is wrong with it.
    ///
    /// - Parameters:
    ///   - allowsNobody: whether it may come without a person: a payment provider tells of an
    ///     order's refund and not of its buyer.
    ///   - last: the event before it, of whose context it may say the same.
    init(
        _ event: JSONSlice, _ clock: SenderClock, allowsNobody: Bool = false,
        after last: IncomingEvent? = nil
    ) throws(EventRejection) {
        guard event.kind == .object else { throw .notAnObject }
        source = event.bytes
        try EventChecks.size(source.count)
        try EventChecks.depth(event.levels)
        let fields = EventFields(event, after: last?.context ?? [])
        type = try EventChecks.type(
            try fields.requiredText(.type, maximum: EventType.maximumLength), "event")
        eventID = try fields.requiredText(.eventID, maximum: LogMessage.maximumIDLength)
        let told = try fields.time(.occurredAt)
        occurredAt = clock.corrected(told)
        externalID = try fields.text(.externalID, maximum: Self.maximumIDLength)
        anonymousID = try fields.text(.anonymousID, maximum: Self.maximumIDLength)
        if !allowsNobody { try EventChecks.participant(externalID, anonymousID) }
        campaignID = try fields.campaign(.campaignID)
        subject = try fields.text(.subject, maximum: Self.maximumIDLength)
        traits = try fields.object(.traits)
        properties = try fields.object(.properties)
        address = fields.anyText(.address)
        interaction = try Interaction.read(fields)
        context = Self.context(fields.context, told: Self.told(told, corrected: occurredAt))
    }

    /// Checks an event that a front has put together, like one that was sent as ours.
    init(_ parts: EventParts, _ clock: SenderClock) throws(EventRejection) {
        source = parts.source
        try EventChecks.size(source.count)
        // A front may give every event of a batch what the batch says once.
        try EventChecks.size(parts.byteCount)
        for value in parts.values { try EventChecks.depth(value.levels, below: 1) }
        type = try EventChecks.type(parts.type, "event")
        eventID = try EventChecks.text(
            parts.eventID, "event_id", maximum: LogMessage.maximumIDLength)
        occurredAt = clock.corrected(parts.occurredAt)
        let (longest, ids) = (
            Self.maximumIDLength, (external: parts.externalID, anonymous: parts.anonymousID)
        )
        try ids.external.check("participant_id", maximum: longest)
        try ids.anonymous.check("anonymous_id", maximum: longest)
        try EventChecks.participant(ids.external, ids.anonymous)
        (externalID, anonymousID) = ids
        try parts.subject.check("subject", maximum: longest)
        subject = parts.subject
        campaignID = parts.campaignID
        traits = try parts.traits.object("traits")
        properties = try parts.properties.object("properties")
        address = parts.address
        interaction = nil
        context = Self.context(
            parts.context.filter { $0.name != Self.toldName && $0.name != Enricher.name },
            told: parts.told + Self.told(parts.occurredAt, corrected: occurredAt))
    }

    /// Whether both have none, or the same word for word.
    func hasSameProperties(as other: IncomingEvent) -> Bool {
        guard let properties, let others = other.properties else {
            return (properties == nil) == (other.properties == nil)
        }
        return properties.isSame(as: others)
    }

    private static func told(
        _ time: Timestamp, corrected: Timestamp
    ) -> [EncodedJSON.Member] {
        time == corrected ? [] : [("occurred_at", EncodedJSON(text: "\(time)"))]
    }

    private static func context(
        _ members: [EncodedJSON.Member], told: [EncodedJSON.Member]
    ) -> [EncodedJSON.Member] {
        guard !told.isEmpty else { return members }
        return members + [(toldName, EncodedJSON(object: told))]
    }
}

/// An event as a front understood it, before the checks that every event passes.
struct EventParts: Sendable {
    /// A valid type (`purchase_completed`).
    var type: String
    /// The same for every delivery of the event.
    var eventID: String
    /// When it happened, by the sender's clock.
    var occurredAt: Timestamp
    /// What was sent of this event: all of it that is the same in every delivery.
    var source: ArraySlice<UInt8>
    /// The client's own id of the person.
    var externalID: String?
    var anonymousID: String?
    var campaignID: CampaignID?
    /// What was achieved (the shop's order id): the same from whichever source it is told.
    var subject: String?
    /// Each an object.
    var traits: EncodedJSON?
    var properties: EncodedJSON?
    /// The IP address of the person, as the sender tells it.
    var address: String?
    var context: [EncodedJSON.Member] = []
    /// The sender's own words where the event's differ from them (its name of the event).
    var told: [EncodedJSON.Member] = []

    init(type: String, eventID: String, occurredAt: Timestamp, source: ArraySlice<UInt8>) {
        self.type = type
        self.eventID = eventID
        self.occurredAt = occurredAt
        self.source = source
    }

    fileprivate var values: [EncodedJSON] {
        [traits, properties].compactMap(\.self) + (context + told).map(\.value)
    }

    fileprivate var byteCount: Int { values.reduce(0) { $0 + $1.bytes.count } }
}

extension Optional<String> {
    fileprivate func check(_ name: String, maximum: Int) throws(EventRejection) {
        if let self { _ = try EventChecks.text(self, name, maximum: maximum) }
    }
}

extension Optional<EncodedJSON> {
    fileprivate func object(_ name: String) throws(EventRejection) -> EncodedJSON? {
        guard let self else { return nil }
        guard self.isObject else {
            throw .field(name, "invalid_\(name)", "'\(name)' is a JSON object.")
        }
        return self
    }
}
