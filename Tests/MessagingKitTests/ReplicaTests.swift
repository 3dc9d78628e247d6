import Contracts
import Kernel
import MessagingKit
import PostgresKit
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct ReplicaTests {
    @Test func `two replicas share the shards and nothing takes effect twice`() async throws {
        try await Stage.with(shards: 4) { stage in
            let clients = (0..<16).map { _ in stage.client() }
            let (first, second) = (stage.subscriber(), stage.subscriber(on: stage.process()))
            try await stage.running(first.run) {
                try await eventually { try await stage.shardsByOwner().values.sorted() == [4] }
                try await stage.running(second.run) {
                    for client in clients {
                        try await stage.log.publish(1...100, client: client)
                    }
                    try await eventually {
                        try await stage.shardsByOwner().values.sorted() == [2, 2]
                    }
                    for client in clients {
                        try await stage.log.publish(101...200, client: client)
                    }
                    for client in clients {
                        try await eventually {
                            try await stage.effects(of: client) == Array(1...200)
                        }
                    }
                }
                // The second has left: the first takes all back.
                try await eventually { try await stage.shardsByOwner().values.sorted() == [4] }
            }
            #expect(try await stage.shardsByOwner().isEmpty)
        }
    }

    @Test func `a replica that stalls is passed over, and its late transaction has no effect`()
        async throws
    {
        try await Stage.with(shards: 1) { stage in
            let client = stage.client()
            let gate = Gate()
            let stalled = stage.subscriber(
                on: stage.process(), stallLimit: .milliseconds(100)
            ) { events, transaction in
                await gate.pass()
                try await Stage.record(events, in: transaction)
            }
            try await stage.log.publish(1...5, client: client)
            try await stage.running(stalled.run) {
                try await eventually { gate.isHolding }
                let other = stage.subscriber()
                try await stage.running(other.run) {
                    try await eventually {
                        try await stage.effects(of: client) == Array(1...5)
                    }
                    gate.open()
                    try await stage.log.publish(6...9, client: client)
                    try await eventually {
                        try await stage.effects(of: client) == Array(1...9)
                    }
                }
            }
            #expect(try await stage.effects(of: client) == Array(1...9))
        }
    }

    @Test func `a replica that dies between commit and acknowledgement is succeeded`()
        async throws
    {
        try await Stage.with(shards: 1) { stage in
            let client = stage.client()
            let process = stage.process()
            let dying = stage.subscriber(on: process)
            try await stage.log.publish(1...5, client: client)
            let life = Task { await dying.run() }
            try await eventually { try await stage.effects(of: client) == Array(1...5) }
            // Gone without a word: it can neither acknowledge nor give its lease back.
            await process.shutdown()
            life.cancel()
            try await stage.log.publish(6...9, client: client)
            let heir = stage.subscriber()
            try await stage.running(heir.run) {
                try await eventually { try await stage.effects(of: client) == Array(1...9) }
                try await eventually { stage.log.acknowledged(heir.name, shard: 0) == 9 }
            }
            await life.value
        }
    }
}

extension ReplicaTests {
    @Test(arguments: MessagingCrashPoints.all(.reward).dropFirst())
    func `a process that ends at a crash point is succeeded, and nothing is done twice`(
        _ point: CrashPoint
    ) async throws {
        try await Stage.with(shards: 1) { stage in
            let client = stage.client()
            try await stage.log.publish(1...500, client: client)
            let dying = stage.subscriber(on: stage.process())
            let life = Mutex<Task<Void, Never>?>(nil)
            stage.faults.at(point, occurrence: 3) { life.withLock { $0?.cancel() } }
            life.withLock { $0 = Task { await dying.run() } }
            try await eventually { stage.faults.count(of: point) >= 3 }
            await life.withLock(\.self)?.value
            let heir = stage.subscriber()
            try await stage.running(heir.run) {
                try await eventually {
                    try await stage.effects(of: client) == Array(1...500)
                }
                try await eventually { stage.log.acknowledged(heir.name, shard: 0) == 500 }
            }
        }
    }
}

/// Holds whoever passes until it is opened.
final class Gate: Sendable {
    private let state = Mutex((isOpen: false, waiting: 0))
    private let signal = WakeSignal()

    var isHolding: Bool { state.withLock { !$0.isOpen && $0.waiting > 0 } }

    func pass() async {
        let isOpen = state.withLock { state in
            state.waiting += 1
            return state.isOpen
        }
        if !isOpen { await signal.wait(past: 0, within: .seconds(60)) }
    }

    func open() {
        state.withLock { $0.isOpen = true }
        signal.raise()
    }
}
