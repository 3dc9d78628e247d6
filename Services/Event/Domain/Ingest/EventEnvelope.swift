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
        _ event: IncomingEvent, _ context: IngestContext, surroundings: [EncodedJSON.Member]? = nil
    ) -> PendingEvent {
        let surroundings = surroundings ?? event.context
        var bytes: [UInt8] = []
        bytes.reserveCapacity(event.source.count + 1200)
        let campaign = event.campaignID.map { #""campaign_id":"\#($0)","# } ?? ""
        bytes += #"{"event_id":\#(JSONText.quoted(event.eventID)),"type":"\#(event.type)","#.utf8
        bytes += #""client_id":"\#(context.clientID)",\#(campaign)"#.utf8
        appendParticipant(of: event, context.clientID, to: &bytes)
        bytes +=
            #""occurred_at":"\#(event.occurredAt)","received_at":"\#(context.receivedAt)","#.utf8
        bytes += #""trust":"\#(context.trust.rawValue)","#.utf8
        if let subject = event.subject {
            bytes += #""subject":\#(JSONText.quoted(subject)),"#.utf8
        }
        bytes += #""traceparent":"\#(context.traceparent)","properties":"#.utf8
        bytes += event.properties?.bytes ?? Array("{}".utf8)[...]
        if !surroundings.isEmpty {
            bytes += #","context":"#.utf8
            EncodedJSON.append(surroundings, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return PendingEvent(
            clientID: context.clientID, campaignID: event.campaignID, type: event.type,
            identity: identity(
                of: event.eventID, context.clientID,
                said: context.trust == .webhook ? .webhook : .client),
            bodyHash: Digest.identity(of: Array(event.source)),
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
            identity: identity(of: message.id, message.clientID, said: .service),
            bodyHash: Digest.identity(of: said), envelope: try withoutPosition(stored))
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
        Digest.identity(of: [author.rawValue] + client.uuid.bytes + eventID.utf8)
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

    private static func appendParticipant(
        of event: IncomingEvent, _ client: ClientID, to bytes: inout [UInt8]
    ) {
        guard event.externalID != nil || event.anonymousID != nil else { return }
        var members: [String] = []
        if let externalID = event.externalID {
            let id = ParticipantID.derived(client: client, externalID: externalID)
            members.append(#""participant_id":"\#(id)""#)
            members.append(#""external_id":\#(JSONText.quoted(externalID))"#)
        }
        if let anonymousID = event.anonymousID {
            members.append(#""anonymous_id":\#(JSONText.quoted(anonymousID))"#)
        }
        bytes += #""participant":{\#(members.joined(separator: ","))"#.utf8
        if let traits = event.traits {
            bytes += #","traits":"#.utf8
            bytes += traits.bytes
        }
        bytes += "},".utf8
    }
}
