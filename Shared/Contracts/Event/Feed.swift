package import HTTPKit
import Kernel

/// What a reader asks of `GET /internal/feed`.
package struct FeedRequest: Sendable, Hashable {
    /// The route.
    package static let path = "/internal/feed"
    /// The most events in one page.
    package static let maximumLimit = 500
    /// The longest that the server holds an answer, in milliseconds.
    package static let maximumWaitMilliseconds = 10_000

    /// Who reads (`reward-service`), unique among all subscribers; nil leaves no trace in the log.
    package let subscriber: String?
    /// 0 to the log's number of shards, exclusive.
    package let shard: Int
    /// Events with a greater position are wanted. With a `subscriber` this is its acknowledgement:
    /// everything up to here has taken effect and may be forgotten. 0 asks from the beginning.
    package let after: Int
    /// 0 to 500. 0 asks for `head` only and acknowledges nothing.
    package let limit: Int
    /// Only these events; `next` passes over the others.
    package let wanted: Wanted
    /// How long the server may hold the answer until an event that matches is there, 0 to 10,000.
    package let waitMilliseconds: Int

    package init(
        subscriber: String?, shard: Int, after: Int, limit: Int = maximumLimit,
        wanted: Wanted = .everything, waitMilliseconds: Int = 0
    ) {
        self.subscriber = subscriber
        self.shard = shard
        self.after = after
        self.limit = limit
        self.wanted = wanted.asked
        self.waitMilliseconds = waitMilliseconds
    }

    /// The query's names and values, not yet percent-encoded; types are sorted.
    package var queryItems: [(name: String, value: String)] {
        var items = [
            (name: "shard", value: String(shard)), (name: "after", value: String(after)),
            (name: "limit", value: String(limit)),
        ]
        if let subscriber { items.append((name: "subscriber", value: subscriber)) }
        items += wanted.queryItems
        if waitMilliseconds > 0 {
            items.append((name: "wait_milliseconds", value: String(waitMilliseconds)))
        }
        return items
    }
}

/// The answer of `GET /internal/feed`.
///
/// event-service writes `shard`, `next`, `head` and `events` in this order without white space, and
/// `position` first in each event: a reader finds its way past an event that it cannot read.
package struct FeedPage: Sendable, Hashable, Codable {
    package let shard: Int
    /// In order of position, all after the `after` that was asked for; at most `limit`. The server
    /// may send fewer to bound the size of an answer.
    package let events: [LogEvent]
    /// Continue after this position. At least `after`; with fewer matches than `limit` it has
    /// passed over everything that did not match, so it may move while `events` is empty.
    package let next: Int
    /// The shard's last position when the page was read; `head - next` is what is still to come.
    package let head: Int

    private enum CodingKeys: String, CodingKey { case shard, events, next, head }

    package init(shard: Int, events: [LogEvent], next: Int, head: Int) {
        self.shard = shard
        self.events = events
        self.next = next
        self.head = head
    }

    /// Reads a page whose JSON is valid. Throws the pointer to what is not as it must be.
    package init(_ slice: JSONSlice) throws(MisplacedValue) {
        func number(_ name: String) throws(MisplacedValue) -> Int {
            guard let number = slice[name]?.value.integer else {
                throw MisplacedValue(pointer: "/\(name)")
            }
            return number
        }
        shard = try number("shard")
        next = try number("next")
        head = try number("head")
        guard let list = slice["events"], list.kind == .array else {
            throw MisplacedValue(pointer: "/events")
        }
        var events: [LogEvent] = []
        for (index, element) in list.elements.enumerated() {
            guard let event = LogEvent(element) else {
                throw MisplacedValue(pointer: "/events/\(index)")
            }
            events.append(event)
        }
        self.events = events
    }
}

/// A value of a page that is not what it must be.
package struct MisplacedValue: Error, Hashable {
    /// Where it is, as a JSON pointer.
    package let pointer: String
}

/// Takes members, and remembers whether one that may be absent or null is not what it must be.
struct EventMembers {
    private var members: JSONMembers
    private(set) var areRight = true

    init(_ slice: JSONSlice) {
        members = JSONMembers(slice)
    }

    mutating func take(_ name: String) -> JSONSlice? { members.take(name) }

    mutating func take<Value>(_ name: String, _ read: (JSONSlice) -> Value?) -> Value? {
        guard let member = members.take(name), member.kind != .null else { return nil }
        let value = read(member)
        if value == nil { areRight = false }
        return value
    }
}
