package import Kernel

/// What a service tells the others: one message to `POST /internal/log`.
package struct LogMessage: Sendable, Hashable, Codable {
    /// The longest id, in characters.
    package static let maximumIDLength = 100

    /// The same for every attempt to send this message; unique within the client, 1 to 100
    /// characters. A repeat with the same content is a duplicate, with another a conflict.
    package let id: String
    /// `campaign.activated`; see `EventType`.
    package let type: String
    /// The tenant; decides the shard, so all messages of one client are in one order.
    package let clientID: ClientID
    /// The campaign it is about, when there is one.
    package let campaignID: CampaignID?
    /// The id of what it is about besides (a participant, a reward, an order).
    package let subject: String?
    /// When it happened, by the client's business clock.
    package let occurredAt: Timestamp
    /// The message's own content, an object; its shape belongs to the type.
    package let data: JSONValue
    /// The W3C trace that caused it, so that what follows joins that trace.
    package let traceparent: String?

    private enum CodingKeys: String, CodingKey {
        case id, type, subject, data, traceparent
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case occurredAt = "occurred_at"
    }

    package init(
        id: String, type: String, clientID: ClientID, campaignID: CampaignID? = nil,
        subject: String? = nil, occurredAt: Timestamp, data: JSONValue,
        traceparent: String? = TraceContext.current?.traceparent
    ) {
        self.id = id
        self.type = type
        self.clientID = clientID
        self.campaignID = campaignID
        self.subject = subject
        self.occurredAt = occurredAt
        self.data = data
        self.traceparent = traceparent
    }
}

/// The body of `POST /internal/log`.
package struct LogAppendRequest: Sendable, Hashable, Codable {
    /// The most messages in one call.
    package static let maximumMessages = 200

    /// Appended in this order per client; 1 to 200.
    package let messages: [LogMessage]

    private enum CodingKeys: String, CodingKey { case messages }

    package init(messages: [LogMessage]) {
        self.messages = messages
    }
}

/// The answer to `POST /internal/log`, after everything accepted is committed.
package struct LogAppendResponse: Sendable, Hashable, Codable {
    /// One per message, in the order of the request.
    package let results: [LogAppendResult]

    private enum CodingKeys: String, CodingKey { case results }

    package init(results: [LogAppendResult]) {
        self.results = results
    }
}

/// What became of one message.
package struct LogAppendResult: Sendable, Hashable, Codable {
    /// All three mean that the message needs no other attempt.
    package enum Status: String, Sendable, Codable, CaseIterable {
        /// It is in the log now.
        case accepted
        /// It was there already.
        case duplicate
        /// Another message with this id was there already, and stands.
        case conflict
    }

    /// The message's id.
    package let id: String
    package let status: Status
    /// Where the message with this id stands; nil when a repeat's first place is no longer known.
    package let position: LogPosition?

    private enum CodingKeys: String, CodingKey { case id, status, position }

    package init(id: String, status: Status, position: LogPosition?) {
        self.id = id
        self.status = status
        self.position = position
    }
}

/// The body of `POST /internal/log/shards`: nothing.
package struct LogShardsRequest: Sendable, Hashable, Codable {
    package init() {}
}

/// The answer to `POST /internal/log/shards`.
package struct LogShardsResponse: Sendable, Hashable, Codable {
    /// How many shards the log has, 1 or more; never changes for an installed log.
    package let count: Int
    /// The last position of each shard; absent while the log cannot tell.
    package let heads: [Int]?

    private enum CodingKeys: String, CodingKey { case count, heads }

    package init(count: Int, heads: [Int]? = nil) {
        self.count = count
        self.heads = heads
    }
}
