import Contracts
import HTTPKit
import Kernel

/// `GET /internal/feed`: events after a position, which is also the reader's acknowledgement.
struct ReadFeed: Sendable {
    let log: LocalLog

    func respond(_ request: HTTPRequest) async throws -> HTTPResponse {
        .bytes(try await log.page(try Self.parse(request.query)), contentType: MediaType.json)
    }

    /// Beyond every log, and far enough from the end of numbers to reckon with.
    private static let maximumPosition = 1 << 53

    private static func parse(_ query: QueryParameters) throws(Problem) -> FeedRequest {
        let shard = try number("shard", in: query, 0...Int(Int32.max), default: nil)
        let after = try number("after", in: query, 0...maximumPosition, default: nil)
        let limit = try number(
            "limit", in: query, 0...FeedRequest.maximumLimit, default: FeedRequest.maximumLimit)
        let wait = try number(
            "wait_milliseconds", in: query, 0...FeedRequest.maximumWaitMilliseconds, default: 0)
        let subscriber = query["subscriber"]
        if let subscriber, !(1...100).contains(subscriber.utf8.count) {
            throw .badRequest(
                "invalid_subscriber", "Use 1 to 100 characters.", pointer: "?subscriber")
        }
        return FeedRequest(
            subscriber: subscriber, shard: shard, after: after, limit: limit,
            wanted: try wanted(query), waitMilliseconds: wait)
    }

    private static func wanted(_ query: QueryParameters) throws(Problem) -> Wanted {
        guard let wanted = Wanted(query: { query[$0] }) else {
            let known = EventFacets.all.names.joined(separator: ", ")
            throw .badRequest(
                "unknown_facet", "Facets are \(known); types beside them are 'or_types'.",
                pointer: "?facets")
        }
        return wanted
    }

    private static func number(
        _ name: String, in query: QueryParameters, _ range: ClosedRange<Int>, default preset: Int?
    ) throws(Problem) -> Int {
        guard let value = try query.integer(name) ?? preset, range.contains(value) else {
            throw .badRequest(
                "invalid_\(name)",
                "Use a whole number from \(range.lowerBound) to \(range.upperBound).",
                pointer: "?\(name)")
        }
        return value
    }
}
