import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit

/// Builds what is stored: a `LogEvent` as JSON without its position.
enum EventEnvelope {
    /// A client's event. The sender's own bytes go in as they are.
    ///
    /// - Parameter surroundings: the event's context with what was found out beside it.
    static func pending(
        _ event: IncomingEvent, _ context: IngestContext, surroundings: StoredContext? = nil
    ) -> PendingEvent {
        let surroundings = surroundings ?? StoredContext(told: event.context)
        let occurredText = event.occurredAt.description
        let sighting = sighting(in: event, context)
        var bytes: [UInt8] = []
        // What stands around the parts of the source and what was found out takes about as much.
        bytes.reserveCapacity(event.source.count + surroundings.addedByteCount + 424)
        bytes.append(#"{"event_id":"#)
        JSONText.append(event.eventID, to: &bytes)
        append(#","type":""#, event.type, to: &bytes)
        append(#"","client_id":""#, context.clientText, to: &bytes)
        if let campaign = event.campaignID {
            append(#"","campaign_id":""#, campaign.description, to: &bytes)
        }
        bytes.append(#"","#)
        appendParticipant(of: event, sighting?.person, to: &bytes)
        append(#""occurred_at":""#, occurredText, to: &bytes)
        append(#"","received_at":""#, context.receivedText, to: &bytes)
        append(#"","trust":""#, context.trust.rawValue, to: &bytes)
        bytes.append(#"","#)
        if let subject = event.subject {
            bytes.append(#""subject":"#)
            JSONText.append(subject, to: &bytes)
            bytes.append(",")
        }
        append(#""traceparent":""#, context.traceparent, to: &bytes)
        bytes.append(#"","properties":"#)
        if let properties = event.properties {
            bytes += properties.bytes
        } else {
            bytes.append("{}")
        }
        if !surroundings.isEmpty {
            bytes.append(#","context":"#)
            surroundings.append(to: &bytes, time: occurredText)
        }
        bytes.append("}")
        return PendingEvent(
            clientID: context.clientID, campaignID: event.campaignID, type: event.type,
            facets: facets(of: event), sighting: sighting,
            identity: identity(
                of: event.eventID, context.clientID,
                said: context.trust == .webhook ? .webhook : .client),
            bodyHash: Digest.identity(of: event.source),
            interaction: event.interaction.map { interaction in
                PendingInteraction(
                    identity: interaction.identity(of: event, context.clientID),
                    window: interaction.window)
            },
            envelope: bytes)
    }

    /// A service's message.
    ///
    /// The trace does not count as content: a repeat may be sent from another one.
    static func pending(_ message: LogMessage, receivedAt: Timestamp) throws -> PendingEvent {
        let place = LogPosition(shard: 0, position: 0)
        let stored = try JSONCoding.encode(
            LogEvent(message, position: place, receivedAt: receivedAt))
        let said = try JSONCoding.encode(
            LogMessage(
                id: message.id, type: message.type, clientID: message.clientID,
                campaignID: message.campaignID, subject: message.subject,
                occurredAt: message.occurredAt, data: message.data, traceparent: nil))
        return PendingEvent(
            clientID: message.clientID, campaignID: message.campaignID, type: message.type,
            facets: [], identity: identity(of: message.id, message.clientID, said: .service),
            bodyHash: Digest.identity(of: said), envelope: try withoutPosition(stored))
    }

    /// `EventFacets(_:)` of what is stored, without reading it again.
    private static func facets(of event: IncomingEvent) -> EventFacets {
        guard event.externalID != nil || event.anonymousID != nil else { return [] }
        var facets: EventFacets = []
        if event.externalID != nil {
            facets.insert(.sighting)
            if event.anonymousID != nil { facets.insert(.identity) }
            if let traits = event.traits, traits.bytes.count > "{}".utf8.count {
                facets.insert(.traits)
            }
        }
        if event.context.contains(where: { $0.name == "referral" && $0.value.isObject }) {
            facets.insert(.referral)
        }
        return facets
    }

    private static func sighting(
        in event: IncomingEvent, _ context: IngestContext
    ) -> PersonSighting? {
        event.externalID.map { externalID in
            PersonSighting(
                person: ParticipantID.derived(client: context.clientID, externalID: externalID),
                seenAt: Sighting.time(
                    occurredAt: event.occurredAt, receivedAt: context.receivedAt,
                    trust: context.trust))
        }
    }

    /// Who gave an event its id. No two share ids: those of messages and of orders can be foretold,
    /// and an event that took one first would keep the message or the order out of the log.
    enum Author: UInt8, Sendable {
        case client = 1
        case service = 2
        case webhook = 3
    }

    /// The hash of (author, client, event id): what makes it the same event.
    static func identity(of eventID: String, _ client: ClientID, said author: Author) -> UUID {
        var input: [UInt8] = []
        input.reserveCapacity(1 + 16 + eventID.utf8.count)
        input.append(author.rawValue)
        withUnsafeBytes(of: client.uuid.uuid) { input += $0 }
        input += eventID.utf8
        return Digest.identity(of: input)
    }

    /// The object without its first member, which is the position.
    private static func withoutPosition(_ bytes: [UInt8]) throws -> [UInt8] {
        let root = try JSONSlice(parsing: bytes)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        let members = root.members.filter { $0.name != "position" }
        EncodedJSON.append(members.map { ($0.name, EncodedJSON($0.value)) }, to: &output)
        return output
    }

    private static func append(_ words: StaticString, _ text: String, to bytes: inout [UInt8]) {
        bytes.append(words)
        bytes.append(contentsOf: text.utf8)
    }

    private static func appendParticipant(
        of event: IncomingEvent, _ person: ParticipantID?, to bytes: inout [UInt8]
    ) {
        guard event.externalID != nil || event.anonymousID != nil else { return }
        bytes.append(#""participant":{"#)
        if let externalID = event.externalID, let person {
            bytes.append(#""participant_id":""#)
            person.append(to: &bytes)
            bytes.append(#"","external_id":"#)
            JSONText.append(externalID, to: &bytes)
        }
        if let anonymousID = event.anonymousID {
            if event.externalID != nil { bytes.append(",") }
            bytes.append(#""anonymous_id":"#)
            JSONText.append(anonymousID, to: &bytes)
        }
        if let traits = event.traits {
            bytes.append(#","traits":"#)
            bytes += traits.bytes
        }
        bytes.append("},")
    }
}
