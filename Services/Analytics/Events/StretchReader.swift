import Contracts
import Kernel
import MessagingKit

/// Reads the log in stretches of several pages, and makes rows of them as they come.
struct StretchReader: Sendable {
    /// No more pages when a stretch has so many bytes as rows. A page adds some 4 MB at most.
    private static let byteLimit = 8 << 20

    let log: any LogPort
    let subscriber: String
    let shard: Int
    /// The most events of a stretch.
    let limit: Int

    /// Where a stretch ends.
    struct End: Sendable {
        /// Everything up to here is in the rows, or forgotten.
        var next: Int
        var head: Int
    }

    /// What comes after `position`, which is acknowledged by that.
    func read(
        after position: Int, wait: Duration, into rows: inout EventRows
    ) async throws -> End {
        let first = try await page(
            after: position, as: subscriber, limit: min(limit, FeedRequest.maximumLimit),
            wait: wait)
        try rows.append(first.events)
        var end = End(next: first.next, head: first.head)
        while end.next < end.head, rows.count < limit, rows.byteCount < Self.byteLimit {
            // Without a name: what is read ahead is not acknowledged.
            let rest = min(limit - rows.count, FeedRequest.maximumLimit)
            let page = try await page(after: end.next, as: nil, limit: rest, wait: .zero)
            guard page.next > end.next else { break }
            try rows.append(page.events)
            end = End(next: page.next, head: max(end.head, page.head))
        }
        return end
    }

    /// What the log still has between two positions, both included.
    func reread(from first: Int, to last: Int, into rows: inout EventRows) async throws {
        var position = first - 1
        while position < last {
            let page = try await page(
                after: position, as: nil,
                limit: min(last - position, FeedRequest.maximumLimit), wait: .zero)
            guard page.next > position else {
                throw LogError.unavailable(reason: "the log ends before a batch that it gave")
            }
            try rows.append(page.events.filter { $0.position.position <= last })
            position = page.next
        }
    }

    private func page(
        after position: Int, as subscriber: String?, limit: Int, wait: Duration
    ) async throws(LogError) -> FeedPage {
        let page = try await log.feed(
            FeedRequest(
                subscriber: subscriber, shard: shard, after: position, limit: limit,
                waitMilliseconds: Int(wait.wholeMilliseconds)))
        guard page.shard == shard, page.next >= position,
            page.events.allSatisfy({ $0.position.position > position })
        else { throw .unavailable(reason: "page_does_not_match") }
        return page
    }
}
