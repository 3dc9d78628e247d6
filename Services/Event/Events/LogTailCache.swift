import Synchronization

/// The newest segments that this process wrote, so that subscribers which keep up are served from
/// memory. Positions are gapless, so a run of segments without a hole is the log itself.
final class LogTailCache: Sendable {
    private struct Tail {
        var segments: [StoredSegment] = []
        var bytes = 0

        mutating func append(_ draft: SegmentDraft) {
            if let last = segments.last, last.lastPosition + 1 != draft.firstPosition {
                // Another replica wrote in between; starting anew is always right.
                self = Tail()
            }
            segments.append(StoredSegment(draft))
            bytes += draft.body.count
        }

        mutating func replace(_ draft: SegmentDraft) {
            let place = segments.firstIndex { $0.lastPosition == draft.lastPosition }
            guard let place, segments[place].firstPosition == draft.firstPosition else { return }
            bytes += draft.body.count - segments[place].body.count
            segments[place] = StoredSegment(draft)
        }

        mutating func removeOldest() -> Int {
            let freed = segments.removeFirst().body.count
            bytes -= freed
            return freed
        }
    }

    private let tails: Mutex<[Tail]>
    private let maximumBytes: Int

    /// `maximumBytes` of bodies in all shards together: often one of them has it all.
    init(shards: Int, maximumBytes: Int = 24 << 20) {
        tails = Mutex(Array(repeating: Tail(), count: shards))
        self.maximumBytes = maximumBytes
    }

    /// Takes what was committed. A hole before it (another replica wrote) empties the tail first.
    func append(_ drafts: [SegmentDraft], to shard: Int) {
        tails.withLock { tails in
            for draft in drafts { tails[shard].append(draft) }
            Self.trim(&tails, to: maximumBytes)
        }
    }

    /// Takes from the largest; every tail keeps its newest segment.
    private static func trim(_ tails: inout [Tail], to maximumBytes: Int) {
        var bytes = tails.reduce(0) { $0 + $1.bytes }
        while bytes > maximumBytes,
            let largest = tails.indices.filter({ tails[$0].segments.count > 1 })
                .max(by: { tails[$0].bytes < tails[$1].bytes })
        {
            bytes -= tails[largest].removeOldest()
        }
    }

    /// Puts rewritten segments in the place of those that they were.
    func replace(_ drafts: [SegmentDraft], of shard: Int) {
        if drafts.isEmpty { return }
        tails.withLock { tails in
            for draft in drafts { tails[shard].replace(draft) }
        }
    }

    /// Up to `limit` segments that reach beyond `position`, and the tail's end, when the tail goes
    /// back that far and has something new; else nil, and PostgreSQL must be asked.
    func segments(
        of shard: Int, after position: Int, limit: Int
    ) -> LogStretch? {
        tails.withLock { tails in
            let tail = tails[shard]
            guard let first = tail.segments.first, let last = tail.segments.last,
                first.firstPosition <= position + 1, last.lastPosition > position
            else { return nil }
            // Readers are near the end: search from there.
            let start = tail.segments.lastIndex { $0.lastPosition <= position }
            let segments = Array(tail.segments[((start ?? -1) + 1)...].prefix(limit))
            return LogStretch(segments: segments, head: last.lastPosition)
        }
    }
}
