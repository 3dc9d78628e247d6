import Contracts
import HTTPKit
import Kernel

/// An event of the log as a live view shows it: what happened to whom, and no more.
struct LiveEvent: Sendable {
    let position: LogPosition
    let clientID: ClientID
    let campaignID: CampaignID?
    let type: String
    /// The document, without the position.
    private let document: JSONValue

    /// Nil for what is no business of a campaign's viewers.
    init?(_ event: LogEvent) {
        guard !ClientMessage.all.contains(event.type) else { return nil }
        position = event.position
        clientID = event.clientID
        campaignID = event.campaignID
        type = event.type
        var members: [String: JSONValue] = [
            "type": .string(event.type), "event_id": .string(event.eventID),
            "occurred_at": .string(event.occurredAt.description),
        ]
        if let campaignID { members["campaign_id"] = .string(campaignID.description) }
        if let externalID = event.participant?.externalID {
            members["participant"] = ["external_id": .string(externalID)]
        }
        // What clients send may hold anything about people; our own messages hold ids and amounts.
        if event.trust == .internal, Self.showsProperties(event.type) {
            members["properties"] = event.properties
        }
        document = .object(members)
    }

    /// The event as a block of server-sent events.
    var block: [UInt8] {
        var text = Array("id: \(position)\nevent: \(type)\ndata: ".utf8)
        text.append(contentsOf: Self.encode(document))
        text.append(contentsOf: "\n\n".utf8)
        return text
    }

    /// The event as a message of a WebSocket.
    var message: String {
        var members = document.object ?? [:]
        members["id"] = .string(position.description)
        return String(decoding: Self.encode(.object(members)), as: UTF8.self)
    }

    private static func showsProperties(_ type: String) -> Bool {
        type.hasPrefix("referral.") || type.hasPrefix("reward.")
    }

    private static func encode(_ document: JSONValue) -> [UInt8] {
        // A document that was read as JSON can be written as JSON.
        (try? JSONCoding.encode(document)) ?? Array("{}".utf8)
    }
}
