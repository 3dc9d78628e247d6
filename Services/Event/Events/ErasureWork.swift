import Contracts
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit

/// Carries out orders to forget people, a stretch of the log at a time, so that a crash costs one
/// stretch and nobody waits long for a lock.
struct ErasureWork: Sendable {
    private static let segmentsAtATime = 32

    let store: ErasureStore
    let log: LocalLog
    let tail: LogTailCache
    let world: World

    /// What one stretch came to.
    private enum Outcome {
        /// There may be more to do at once.
        case goOn
        /// Nothing to do, or subscribers have to read on first.
        case wait
    }

    /// Works until there is nothing that can be done now.
    func run() async throws {
        while try await stretch() == .goOn { try Task.checkCancellation() }
    }

    private func stretch() async throws -> Outcome {
        var rewritten: (shard: Int, segments: [SegmentDraft]) = (0, [])
        let outcome = try await store.postgres.withTransaction { transaction in
            guard let work = try await store.next(in: transaction) else { return Outcome.wait }
            let segments = try await store.segments(
                of: work, limit: Self.segmentsAtATime, in: transaction)
            guard let last = segments.last else {
                return try await endOfPass(work, transaction)
            }
            var erasure = SegmentErasure(work.person, of: work.clientID)
            rewritten = (work.shard, [])
            for segment in segments where segment.header.entries.contains(where: erasure.concerns) {
                if let draft = try erasure.rewrite(segment, shard: work.shard) {
                    rewritten.segments.append(draft)
                }
            }
            try await store.replace(rewritten.segments, shard: work.shard, in: transaction)
            try await store.progress(
                work, erasure.person, passed: last.lastPosition,
                foundMore: work.foundMore || erasure.person != work.person,
                erased: erasure.erasedCount, in: transaction)
            return .goOn
        }
        tail.replace(rewritten.segments, of: rewritten.shard)
        return outcome
    }

    /// A pass that found further ids of the person is followed by another, which looks for them in
    /// what was before; then everybody is told.
    private func endOfPass(
        _ work: ErasureStore.Work, _ transaction: Transaction
    ) async throws -> Outcome {
        if try await store.hasMore(work, after: work.passed, in: transaction) { return .wait }
        if work.foundMore {
            try await store.progress(
                work, work.person, passed: 0, foundMore: false, erased: 0, in: transaction)
            return .goOn
        }
        let now = world.clock.now()
        // Before the order is forgotten, and the same each time that it is tried.
        _ = try await log.append([
            LogMessage(
                id: "\(work.erasureID):\(ParticipantErased.type)", type: ParticipantErased.type,
                clientID: work.clientID, subject: "\(work.erasureID)", occurredAt: now,
                data: try JSONCoding.parse(
                    try JSONCoding.encode(
                        ParticipantErased(
                            participantID: work.person.externalID.map {
                                .derived(client: work.clientID, externalID: $0)
                            }, anonymousIDs: work.person.anonymousIDs.sorted()))))
        ])
        try await store.dropRejected(work, in: transaction)
        try await store.finish(work, at: now, in: transaction)
        return .goOn
    }
}
