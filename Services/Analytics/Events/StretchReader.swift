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
    /// The most events of a page; 1 shows which event it is that cannot be read.
    var pageLimit = FeedRequest.maximumLimit

    /// Where a stretch ends.
    struct End: Sendable {
        /// Everything up to here is in the rows, or forgotten.
        var next: Int
        var head: Int
    }

    /// What comes after `position`, which is acknowledged by that. Ends before an event that cannot
    /// be read; throws `.unreadable` when the first page has one.
    func read(
        after position: Int, wait: Duration, into rows: inout EventRows
    ) async throws -> End {
        let first = try await page(
            after: position, as: subscriber, limit: min(limit, pageLimit), wait: wait)
        try rows.append(first.events)
        var end = End(next: first.next, head: first.head)
        while end.next < end.head, rows.count < limit, rows.byteCount < Self.byteLimit {
            // Without a name: what is read ahead is not acknowledged.
            let rest = min(limit - rows.count, pageLimit)
            guard case .page(let page) = try await reading(after: end.next, limit: rest),
                page.next > end.next
            else { break }
            try rows.append(page.events)
            end = End(next: page.next, head: max(end.head, page.head))
        }
        return end
    }

    /// What the log still has between two positions, both included.
    func reread(from first: Int, to last: Int, into rows: inout EventRows) async throws {
        var position = first - 1
        var limit = FeedRequest.maximumLimit
        while position < last {
            switch try await reading(after: position, limit: min(last - position, limit)) {
            case .page(let page):
                guard page.next > position else {
                    throw LogError.unavailable(reason: "the log ends before a batch that it gave")
                }
                try rows.append(page.events.filter { $0.position.position <= last })
                position = page.next
            case .unreadable where limit > 1:
                // Alone it shows whether it is one of the batch, which could be read once.
                limit = 1
            case .unreadable(let page):
                guard page.position.position > last else { throw StreamError.batchUnreadable }
                return
            }
        }
    }

    private enum Reading {
        case page(FeedPage)
        case unreadable(UnreadablePage)
    }

    /// A page that acknowledges nothing.
    private func reading(after position: Int, limit: Int) async throws -> Reading {
        do {
            return .page(try await page(after: position, as: nil, limit: limit, wait: .zero))
        } catch LogError.unreadable(let page) {
            return .unreadable(page)
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
