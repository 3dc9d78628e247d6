import Kernel
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct GatheringTests {
    private struct Refused: Error {}
    private struct Away: Error {}

    /// Remembers its batches; the first one lasts until it is told to end.
    private final class Work: Sendable {
        let batches = Mutex<[[Int]]>([])
        let release = WakeSignal()

        func run(_ items: [Int]) async throws -> [String] {
            let isFirst = batches.withLock { batches in
                batches.append(items)
                return batches.count == 1
            }
            if isFirst { await release.wait(past: 0, within: .seconds(30)) }
            if items.contains(13) { throw Refused() }
            if items.contains(99) { throw Away() }
            return items.map { "answer \($0)" }
        }
    }

    private func gathering(_ work: Work, limit: Int = 100) -> Gathering<Int, String> {
        Gathering(
            limit: limit, interval: .milliseconds(1), isEverybodys: { $0 is Away },
            work: { try await work.run($0) })
    }

    /// Makes the first call, the others while it is under way, and lets it end. The answers, nil
    /// for an error.
    private func call(_ items: [Int], _ work: Work, limit: Int = 100) async throws -> [Int: String?]
    {
        let gathering = gathering(work, limit: limit)
        return try await withThrowingTaskGroup(of: (Int, String?).self) { group in
            group.addTask { (0, try? await gathering(0)) }
            try await eventually("the first is under way") {
                work.batches.withLock { $0.count == 1 }
            }
            for item in items { group.addTask { (item, try? await gathering(item)) } }
            try await eventually("the others wait") { gathering.waiting == items.count }
            work.release.raise()
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    @Test func `calls during a batch share the next one, each with its own answer`() async throws {
        let work = Work()
        let answers = try await call([1, 2, 3, 4], work)
        for item in 0...4 { #expect(answers[item] == "answer \(item)") }
        #expect(work.batches.withLock { $0.map(\.count) } == [1, 4])
    }

    @Test func `a batch has its limit`() async throws {
        let work = Work()
        _ = try await call([1, 2, 3, 4, 5], work, limit: 2)
        #expect(work.batches.withLock { $0.map(\.count) } == [1, 2, 2, 1])
    }

    @Test func `one bad item fails alone`() async throws {
        let work = Work()
        let answers = try await call([1, 13, 3], work)
        #expect(answers[1] == "answer 1")
        #expect(answers[13] == .some(nil))
        #expect(answers[3] == "answer 3")
    }

    @Test func `what is nobody's fault is told to all at once`() async throws {
        let work = Work()
        let answers = try await call([1, 99, 3], work)
        for item in [1, 99, 3] { #expect(answers[item] == .some(nil)) }
        #expect(work.batches.withLock { $0.count } == 2)
    }
}
