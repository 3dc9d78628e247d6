import Contracts
import FoundationEssentials
import Kernel
import MessagingKit

/// Brings one shard into ClickHouse while its lease holds.
struct StreamWorker: Sendable {
    let stream: EventStream
    let lease: ShardCursor

    /// How often an event is read that cannot be read, before it is passed over.
    private static let unreadableAttempts = 3

    /// Where the worker is and how it fares.
    private struct Place {
        var position: Int
        /// Somebody before us may have left a batch on its way.
        var mayBeOpen = true
        var pageLimit = FeedRequest.maximumLimit
        var backoff = Backoff()
    }

    private var shard: Int { lease.shard }
    private var reader: StretchReader {
        StretchReader(
            log: stream.log, subscriber: EventStream.subscriber, shard: shard,
            limit: stream.batchLimit)
    }

    /// Works until the lease is lost or given back, or the task is cancelled.
    func run(_ pace: ShardPace) async {
        var pace = pace
        var place = Place(position: lease.position)
        defer { stream.metrics.left(shard: shard) }
        while !Task.isCancelled, stream.held.isWanted(shard) {
            pace.begin(at: place.position)
            do {
                guard try await step(&place, hold: pace.hold) else { continue }
                await pace.rest(at: place.position)
                await stream.inserter.rest()
            } catch {
                guard await recover(from: error, &place) else { return }
            }
        }
        try? await stream.cursors.release(shard: shard, epoch: lease.epoch)
    }

    /// Brings the next stretch over. False when there is more.
    private func step(_ place: inout Place, hold: Duration) async throws -> Bool {
        if place.mayBeOpen, let batch = try await stream.batches.open(shard: shard) {
            try await resend(batch)
            place.position = batch.lastPosition
        }
        place.mayBeOpen = false
        var rows = EventRows(batchID: stream.world.ids.next())
        var reader = reader
        reader.pageLimit = place.pageLimit
        let end = try await reader.read(after: place.position, wait: hold, into: &rows)
        stream.metrics.stands(at: place.position, head: end.head, shard: shard)
        if end.next > place.position {
            // From here on the batch may be written down, whatever comes.
            place.mayBeOpen = true
            try await take(
                rows, after: place.position, upTo: end.next, isBehind: end.next < end.head)
            place.position = end.next
            place.mayBeOpen = false
            stream.metrics.stands(at: place.position, head: end.head, shard: shard)
        }
        place.backoff.succeed()
        return end.next >= end.head
    }

    /// Prepares another attempt. False when the lease is over.
    private func recover(from error: any Error, _ place: inout Place) async -> Bool {
        stream.report("a shard could not go on; trying again", error)
        if case LogError.unreadable(let page) = error {
            if place.pageLimit > 1 {
                place.pageLimit = 1
                return true
            }
            if place.backoff.failures >= Self.unreadableAttempts,
                await putAside(page, after: place.position)
            {
                place = Place(position: page.next)
                return true
            }
        } else {
            place.mayBeOpen = true
        }
        try? await Task.sleep(for: place.backoff.fail())
        guard let current = await stream.cursors.resume(lease) else { return false }
        place.position = current
        return true
    }

    /// Passes over an event that cannot be read. False when that did not work out.
    private func putAside(_ page: UnreadablePage, after position: Int) async -> Bool {
        guard page.position.shard == shard, page.position.position > position else { return false }
        do {
            try await stream.batches.putAside(page, after: position, epoch: lease.epoch)
        } catch {
            return false
        }
        stream.metrics.putAside(page.position)
        return true
    }

    /// Cuts a batch and sends it.
    private func take(
        _ rows: EventRows, after position: Int, upTo last: Int, isBehind: Bool
    ) async throws {
        guard rows.count > 0 else {
            // The log has forgotten what was here.
            let isMoved = try await stream.cursors.advance(
                shard: shard, from: position, to: last, epoch: lease.epoch,
                on: stream.batches.postgres)
            guard isMoved else { throw Fenced() }
            return
        }
        let batch = StreamBatch(
            batchID: rows.batchID, shard: shard, firstPosition: position + 1,
            lastPosition: last, rowCount: rows.count, bodyHash: rows.bodyHash)
        guard try await stream.batches.cut(batch, epoch: lease.epoch) else { throw Fenced() }
        try await send(
            StreamItem(batch: batch, rows: rows, isInDoubt: false, isBehind: isBehind), lostRows: 0)
    }

    /// Sends a batch that was cut before: the same positions are the same events.
    private func resend(_ batch: StreamBatch) async throws {
        var rows = EventRows(batchID: batch.batchID, notesHours: true)
        try await reader.reread(
            from: batch.firstPosition, to: batch.lastPosition, into: &rows)
        // An attempt that broke off may have fed the views with half of it.
        try await stream.batches.hours.mark(rows.hours, on: stream.batches.postgres)
        var lost = 0
        if rows.count != batch.rowCount {
            let present = try await stream.archive.present(batch.batchID)
            lost = max(0, batch.rowCount - max(rows.count, present))
            if lost > 0 { stream.metrics.forgotten(lost, batch) }
        } else if rows.bodyHash != batch.bodyHash {
            stream.metrics.differs(batch)
        }
        try await send(StreamItem(batch: batch, rows: rows, isInDoubt: true), lostRows: lost)
    }

    private func send(_ item: StreamItem, lostRows: Int) async throws {
        stream.held.setBusy(shard, true)
        defer { stream.held.setBusy(shard, false) }
        if item.rows.count > 0 {
            try await stream.inserter.insert(item)
            stream.world.faults.reach(AnalyticsCrashPoint.inserted)
            // Before the batch counts as done; again after a crash, which changes nothing.
            for person in item.rows.erased { try await stream.archive.erase(person) }
        }
        try await stream.batches.finish(
            item.batch, lostRows: lostRows, dirty: item.rows.hours, epoch: lease.epoch)
        if !item.rows.hours.isEmpty { stream.metrics.marks.raise() }
    }
}
