import Contracts
import Kernel
import MessagingKit
import PostgresKit
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct SubscriberTests {
    @Test func `each event takes effect once, in its client's order`() async throws {
        try await Stage.with { stage in
            let clients = (0..<4).map { _ in stage.client() }
            let subscriber = stage.subscriber()
            try await stage.running(subscriber.run) {
                for client in clients { try await stage.log.publish(1...700, client: client) }
                // The sender repeats itself: the log takes a message once.
                for client in clients { try await stage.log.publish(1...700, client: client) }
                for client in clients {
                    try await eventually {
                        try await stage.effects(of: client) == Array(1...700)
                    }
                }
            }
        }
    }

    @Test func `an apply that fails at random neither loses nor doubles`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber { events, transaction in
                try await Stage.record(events, in: transaction)
                if Int.random(in: 0..<3) == 0 { throw Trouble() }
            }
            try await stage.log.publish(1...300, client: client)
            try await stage.running(subscriber.run) {
                try await eventually { try await stage.effects(of: client) == Array(1...300) }
            }
        }
    }

    @Test func `an apply that stays broken blocks its shard only, and heals`() async throws {
        try await Stage.with { stage in
            let (broken, healthy) = stage.twoClientsOfTwoShards()
            let isBroken = Atomic(true)
            let subscriber = stage.subscriber { events, transaction in
                if events.contains(where: { $0.clientID == broken && $0.number == 5 }),
                    isBroken.load(ordering: .relaxed)
                {
                    throw Trouble()
                }
                try await Stage.record(events, in: transaction)
            }
            try await stage.log.publish(1...9, client: broken)
            try await stage.log.publish(1...9, client: healthy)
            try await stage.running(subscriber.run) {
                try await eventually {
                    try await stage.effects(of: healthy) == Array(1...9)
                }
                // What stands before the troublemaker takes effect all the same.
                try await eventually { try await stage.effects(of: broken) == Array(1...4) }
                isBroken.store(false, ordering: .relaxed)
                try await eventually { try await stage.effects(of: broken) == Array(1...9) }
            }
        }
    }

    @Test func `poison is put aside with its reason and the others take effect`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber { events, transaction in
                try await Stage.record(events, in: transaction)
                if let poison = events.first(where: { ($0.number ?? 0) % 7 == 0 }) {
                    throw PoisonEvent(poison, reason: "no_sevens")
                }
            }
            try await stage.log.publish(1...30, client: client)
            try await stage.running(subscriber.run) {
                try await eventually {
                    try await stage.effects(of: client) == (1...30).filter { $0 % 7 != 0 }
                }
            }
            let letters = try await stage.deadLetters(direction: "in")
            #expect(letters.map(\.id) == [7, 14, 21, 28].map { "message-\($0)" })
            #expect(Set(letters.map(\.reason)) == ["no_sevens"])
        }
    }

    @Test func `an event that cannot be read is put aside and the others take effect`()
        async throws
    {
        try await Stage.with { stage in
            let client = stage.client()
            stage.log.spoil(numbers: [1, 7, 8, 30])
            try await stage.log.publish(1...30, client: client)
            let subscriber = stage.subscriber()
            try await stage.running(subscriber.run) {
                let readable = (1...30).filter { ![1, 7, 8, 30].contains($0) }
                try await eventually { try await stage.effects(of: client) == readable }
                try await eventually {
                    try await stage.position(
                        subscriber.name, shard: stage.log.shard(of: client)) == 30
                }
            }
            let letters = try await stage.deadLetters(direction: "in")
            #expect(letters.map(\.reason) == Array(repeating: "spoiled", count: 4))
            let positions = try await stage.postgres.query(
                "select position from messaging_dead_letter order by position"
            ).map { try $0.get("position", as: Int.self) }
            #expect(positions == [1, 7, 8, 30])
        }
    }

    @Test func `other types are passed over and acknowledged`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber(types: ["test.wanted"])
            try await stage.running(subscriber.run) {
                try await stage.log.publish(1...40, client: client)
                try await stage.log.publish(41...42, client: client, type: "test.wanted")
                try await stage.log.publish(43...60, client: client)
                try await eventually { try await stage.effects(of: client) == [41, 42] }
                let shard = stage.log.shard(of: client)
                try await eventually {
                    stage.log.acknowledged(subscriber.name, shard: shard) == 60
                }
                #expect(try await stage.position(subscriber.name, shard: shard) == 60)
            }
        }
    }

    @Test func `nothing is acknowledged before it is committed`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let shard = stage.log.shard(of: client)
            let subscriber = stage.subscriber { _, _ in throw Trouble() }
            try await stage.log.publish(1...5, client: client)
            try await stage.running(subscriber.run) {
                let calls = stage.log.feedCalls
                try await eventually { stage.log.feedCalls > calls + 10 }
                #expect(stage.log.acknowledged(subscriber.name, shard: shard) == 0)
            }
        }
    }

    @Test func `a log that goes away is read on where it was`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber()
            try await stage.running(subscriber.run) {
                try await stage.log.publish(1...10, client: client)
                try await eventually { try await stage.effects(of: client) == Array(1...10) }
                stage.log.isAway = true
                let calls = stage.log.feedCalls
                try await eventually { stage.log.feedCalls > calls + 3 }
                stage.log.isAway = false
                try await stage.log.publish(11...20, client: client)
                try await eventually { try await stage.effects(of: client) == Array(1...20) }
            }
            #expect(subscriber.lastContact != nil)
        }
    }

    @Test func `events take effect once while the database's connections are killed`()
        async throws
    {
        try await Stage.with { stage in
            let client = stage.client()
            let process = stage.process()
            let subscriber = stage.subscriber(on: process)
            try await stage.running(subscriber.run) {
                for round in 0..<25 {
                    let first = round * 20 + 1
                    try await stage.log.publish(first...(first + 19), client: client)
                    try await stage.killConnections(of: process)
                }
                try await eventually { try await stage.effects(of: client) == Array(1...500) }
            }
        }
    }

    @Test func `both crash points are reached`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber()
            try await stage.log.publish(1...1, client: client)
            try await stage.running(subscriber.run) {
                try await eventually { try await stage.effects(of: client) == [1] }
            }
            #expect(stage.faults.reached.contains(MessagingCrashPoints.applied(.reward)))
            #expect(stage.faults.reached.contains(MessagingCrashPoints.committed(.reward)))
        }
    }
}

/// An error of no special kind.
struct Trouble: Error {}
