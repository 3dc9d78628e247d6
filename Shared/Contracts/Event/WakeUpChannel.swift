package import Kernel

/// The Redis channel on which event-service says, after a commit, that something is in the log.
///
/// `event.{type}.{client_id}.{campaign_id}`, with `-` for no campaign; the payload is the position
/// of the last such event, `shard:position`. It wakes and feeds live views; it guarantees nothing.
package struct WakeUpChannel: Sendable, Hashable {
    /// Every channel.
    package static let everything = "event.*"

    package let type: String
    package let clientID: ClientID
    package let campaignID: CampaignID?

    package init(type: String, clientID: ClientID, campaignID: CampaignID?) {
        self.type = type
        self.clientID = clientID
        self.campaignID = campaignID
    }

    package init(_ event: LogEvent) {
        self.init(type: event.type, clientID: event.clientID, campaignID: event.campaignID)
    }

    /// Reads a channel's name; nil for another's channel.
    package init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0] == "event", let client = ClientID(parts[parts.count - 2])
        else { return nil }
        let campaign = CampaignID(parts[parts.count - 1])
        guard campaign != nil || parts[parts.count - 1] == "-" else { return nil }
        self.init(
            type: parts[1..<(parts.count - 2)].joined(separator: "."), clientID: client,
            campaignID: campaign)
    }

    /// The type in a channel's name; nil for another's channel.
    package static func type(in name: String) -> String? {
        guard name.hasPrefix("event.") else { return nil }
        // Types may have dots; what follows them has none.
        let rest = name.dropFirst("event.".count)
        guard let end = rest.utf8.lastIndex(of: UInt8(ascii: ".")),
            let middle = rest.utf8[..<end].lastIndex(of: UInt8(ascii: "."))
        else { return nil }
        return String(rest[..<middle])
    }

    /// The channel's name.
    package var name: String {
        "event.\(type).\(clientID).\(campaignID.map(\.description) ?? "-")"
    }

    /// The pattern for `PSUBSCRIBE` to all channels of one type.
    package static func pattern(type: String) -> String { "event.\(type).*" }
}

/// The Redis channel on which event-service says, after a commit, that something with a facet is in
/// a shard of the log; the payload is the position of the last such event.
package struct FacetChannel: Sendable, Hashable {
    /// One facet.
    package let facet: EventFacets
    package let shard: Int

    package init(facet: EventFacets, shard: Int) {
        self.facet = facet
        self.shard = shard
    }

    /// The channel's name, `facet.{facet}.{shard}`.
    package var name: String { "facet.\(facet.names.joined(separator: "+")).\(shard)" }

    /// The patterns for `PSUBSCRIBE` to these facets' channels.
    package static func patterns(_ facets: EventFacets) -> [String] {
        facets.names.map { "facet.\($0).*" }
    }
}
