import FoundationEssentials
import Kernel
import SecurityKit
import Testing

@testable import EventService

/// Of which ids the log need not be asked.
@Suite struct SeenIdentitiesTests {
    private typealias Row = SeenIdentities.Row

    private let start = ContinuousClock.now

    private func identity(_ number: Int) -> UUID {
        Digest.identity(of: Array("\(number)".utf8))
    }

    private func identities(_ numbers: Range<Int>) -> [UUID] { numbers.map(identity) }

    @Test func `a filter never says no of what is in it, and seldom yes of anything else`() {
        var filter = IdentityFilter(firstCapacity: 1000)
        for number in 0..<20_000 {
            filter.insert(identity(number))
            if number % 97 == 0 { #expect(filter.mayContain(identity(number / 2))) }
        }
        #expect(identities(0..<20_000).allSatisfy { filter.mayContain($0) })
        let mistaken = identities(20_000..<40_000).count { filter.mayContain($0) }
        #expect(mistaken < 1200, "six of a hundred: three parts, two of them full")
        #expect(filter.byteCount < 21_000 * 10 / 8 + 200)
        #expect(!IdentityFilter().mayContain(identity(1)))
    }

    @Test func `a shard that was empty is known from its first batch on`() {
        var seen = SeenIdentities()
        #expect(seen.question(identities(0..<3), in: 1).doubtful.count == 3)
        let (empty, full) = (Row(head: 0, generations: []), Row(head: 2, generations: [8]))
        seen.note(identities(0..<2), in: 1, before: empty, after: full, present: 8, at: start)
        let question = seen.question(identities(0..<5), in: 1)
        #expect(question.doubtful == identities(0..<2))
        #expect(question.isSettled(by: full))
        #expect(!question.isSettled(by: Row(head: 3, generations: [8])))
        #expect(!question.isSettled(by: Row(head: 2, generations: [8, 16])))
        #expect(seen.question(identities(2..<5), in: 2).doubtful.count == 3)
    }

    @Test func `the next generation is known from its first batch on, and so is the one before`() {
        var seen = SeenIdentities()
        var row = Row(head: 0, generations: [])
        for (present, generations) in [(8, [8]), (16, [8, 16]), (24, [16, 24])] {
            let next = Row(head: row.head + 10, generations: generations)
            seen.note(
                identities(row.head..<next.head), in: 1, before: row, after: next,
                present: present, at: start)
            row = next
        }
        // What was in the first generation only counts no longer.
        #expect(seen.question(identities(0..<40), in: 1).doubtful == identities(10..<30))
    }

    @Test func `what somebody else wrote makes everything doubtful until it is read`() {
        var seen = SeenIdentities()
        let empty = Row(head: 0, generations: [])
        seen.note(
            identities(0..<2), in: 1, before: empty, after: Row(head: 2, generations: [8]),
            present: 8, at: start)
        // Another replica appended 2 to 4.
        seen.note(
            identities(5..<6), in: 1, before: Row(head: 5, generations: [8]),
            after: Row(head: 6, generations: [8]), present: 8, at: start + .seconds(9))
        #expect(seen.question(identities(6..<8), in: 1).premise == nil)
        let rows = [1: Row(head: 6, generations: [8])]
        #expect(seen.gaps(rows, since: start).isEmpty, "not yet ours alone for long enough")
        let foreign = [1: Row(head: 7, generations: [8])]
        #expect(seen.gaps(foreign, since: start + .seconds(9)).isEmpty, "nor now")
        let gaps = seen.gaps(rows, since: start + .seconds(9))
        #expect(gaps.map(\.generation) == [8])
        seen.fill(identities(0..<6), of: 8)
        for gap in gaps { seen.close(gap) }
        #expect(seen.question(identities(0..<8), in: 1).doubtful == identities(0..<6))
    }

    @Test func `what is written by somebody else while it is read keeps a gap open`() {
        var seen = SeenIdentities()
        let rows = [1: Row(head: 5, generations: [8]), 2: Row(head: 9, generations: [8])]
        seen.find(rows, at: start)
        let gaps = seen.gaps(rows, since: start)
        seen.note(
            identities(7..<8), in: 1, before: Row(head: 7, generations: [8]),
            after: Row(head: 8, generations: [8]), present: 8, at: start)
        seen.fill(identities(0..<5) + identities(100..<109), of: 8)
        for gap in gaps { seen.close(gap) }
        #expect(seen.question([identity(50)], in: 1).premise == nil)
        #expect(seen.question([identity(50)], in: 2).doubtful.isEmpty)
    }

    @Test func `filters that may not grow any more are right, and doubt ever more`() {
        var seen = SeenIdentities(
            maximumBytes: 4000, newFilter: IdentityFilter(firstCapacity: 500))
        var row = Row(head: 0, generations: [])
        var doubts: [Int] = []
        for head in stride(from: 2000, through: 20_000, by: 2000) {
            let next = Row(head: head, generations: [8])
            seen.note(
                identities(row.head..<head), in: 1, before: row, after: next, present: 8,
                at: start)
            row = next
            doubts.append(seen.question(identities(50_000..<51_000), in: 1).doubtful.count)
        }
        #expect(doubts[0] < 30 && doubts[9] > 300)
        #expect(seen.question(identities(0..<20_000), in: 1).doubtful.count == 20_000)
        let next = Row(head: 20_400, generations: [8, 16])
        seen.note(
            identities(20_000..<20_400), in: 1, before: row, after: next, present: 16, at: start)
        #expect(seen.question(identities(20_000..<20_400), in: 1).doubtful.count == 400)
    }

    /// Two replicas, a database, and everything that may come between them.
    @Test func `what is not doubtful is new, whoever writes and reads in whatever order`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let small = SeenIdentities(
                maximumBytes: 600, newFilter: IdentityFilter(firstCapacity: 64))
            var replicas = [small, small]
            var gaps: [[SeenIdentities.Gap]] = [[], []]
            var snapshots: [[UUID]] = [[], []]
            var (row, present) = (Row(head: 0, generations: []), 8)
            var stored: [UUID: Int] = [:]
            let isAlone = Bool.random(using: &random)
            for step in 0..<300 {
                let who = isAlone && step > 20 ? 0 : Int.random(in: 0...1, using: &random)
                let now = start + .seconds(step)
                switch Int.random(in: 0..<30, using: &random) {
                case 0: present += 8
                case 1: (replicas[who], gaps[who]) = (small, [])
                case 2:
                    replicas[who].find([1: row], at: now)
                    gaps[who] = replicas[who].gaps([1: row], since: now)
                    snapshots[who] = Array(stored.keys)
                case 3:
                    for gap in gaps[who] {
                        replicas[who].fill(
                            snapshots[who].filter { stored[$0] == gap.generation },
                            of: gap.generation)
                        replicas[who].close(gap)
                    }
                    gaps[who] = []
                default:
                    let first = Int.random(in: 0...stored.count, using: &random)
                    let batch = identities(first..<first + 3)
                    let known = Set(
                        stored.filter { row.generations.contains($0.value) }.keys)
                    let question = replicas[who].question(batch, in: 1)
                    if question.isSettled(by: row) {
                        #expect(known.intersection(batch).isSubset(of: question.doubtful))
                    }
                    let new = batch.filter { !known.contains($0) }
                    if new.isEmpty { continue }
                    let before = row
                    let kept = before.generations.filter { $0 >= present - 8 && $0 != present }
                    row = Row(head: row.head + new.count, generations: kept + [present])
                    for identity in new { stored[identity] = present }
                    // Now and then nobody learns that it was committed.
                    if Int.random(in: 0..<20, using: &random) == 0 { continue }
                    replicas[who].note(
                        new, in: 1, before: before, after: row, present: present, at: now)
                }
            }
        }
    }
}
