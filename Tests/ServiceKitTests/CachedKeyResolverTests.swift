import Contracts
import Foundation
import Kernel
import SecurityKit
import Synchronization
import Testing

@testable import ServiceKit

@Suite struct CachedKeyResolverTests {
    /// Client-service as far as the cache sees it.
    private final class Upstream: APIKeyResolver {
        struct Down: Error {}

        struct State {
            var keys: [[UInt8]: ResolvedKey] = [:]
            var isDown = false
            var asked = 0
            /// Runs once, after the answer was read and before it is given.
            var beforeAnswer: (@Sendable () async -> Void)?
        }

        let state = Mutex(State())

        func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? {
            let (isDown, key, hook) = state.withLock { state in
                state.asked += 1
                defer { state.beforeAnswer = nil }
                return (state.isDown, state.keys[hash], state.beforeAnswer)
            }
            await hook?()
            if isDown { throw Down() }
            return key
        }
    }

    private final class Times: Sendable {
        let uptime = Mutex(Duration.seconds(1000))
        let contact = Mutex(Duration?.none)
    }

    private struct World: Sendable {
        let upstream = Upstream()
        let times = Times()
        let cache: CachedKeyResolver

        init(contactAge: Duration? = nil) {
            let times = times
            cache = CachedKeyResolver(
                upstream: upstream, telemetry: Telemetry(),
                uptime: { times.uptime.withLock { $0 } })
            times.contact.withLock { $0 = contactAge }
            cache.watch { times.contact.withLock { $0 } }
        }

        func pass(_ duration: Duration) { times.uptime.withLock { $0 += duration } }
        var asked: Int { upstream.state.withLock { $0.asked } }
    }

    private let hash = Digest.sha256([1])
    private let key = ResolvedKey(
        keyID: APIKeyID(UUID()), clientID: ClientID(UUID()), kind: .secret, mode: .live, scopes: [],
        origins: [], clientStatus: .active, businessClockOffsetMilliseconds: 0)

    private func event(_ type: String, _ properties: JSONValue) -> LogEvent {
        let now = Timestamp(microseconds: 0)
        return LogEvent(
            position: LogPosition(shard: 0, position: 1), eventID: "e", type: type,
            clientID: key.clientID, occurredAt: now, receivedAt: now, trust: .internal,
            properties: properties)
    }

    private func expectRefused(_ world: World, _ hash: [UInt8]) async {
        await #expect {
            try await world.cache.resolve(hash)
        } throws: { error in
            (error as? Problem)?.status == 503 && (error as? Problem)?.code == "keys_unavailable"
        }
    }

    @Test func `without word from the log an entry is asked for again after five seconds`()
        async throws
    {
        let world = World()
        world.upstream.state.withLock { $0.keys[hash] = key }
        _ = try await world.cache.resolve(hash)
        world.pass(.seconds(4))
        #expect(try await world.cache.resolve(hash) == key)
        #expect(world.asked == 1)
        world.pass(.seconds(1))
        _ = try await world.cache.resolve(hash)
        #expect(world.asked == 2)
    }

    @Test func `a revoked key stops with the message though the cache was warm`() async throws {
        let world = World(contactAge: .zero)
        world.upstream.state.withLock { $0.keys[hash] = key }
        _ = try await world.cache.resolve(hash)
        world.upstream.state.withLock { $0.keys[hash] = nil }
        #expect(try await world.cache.resolve(hash) == key)
        world.cache.invalidate([
            event("key.revoked", ["key_hash": .string(Hex.encode(hash))])
        ])
        #expect(try await world.cache.resolve(hash) == nil)
    }

    @Test func `a change of the client drops its keys and a new key drops its absence`()
        async throws
    {
        let world = World(contactAge: .zero)
        #expect(try await world.cache.resolve(hash) == nil)
        world.upstream.state.withLock { $0.keys[hash] = key }
        #expect(try await world.cache.resolve(hash) == nil)
        world.cache.invalidate([
            event("key.created", ["key_hash": .string(Hex.encode(hash))])
        ])
        #expect(try await world.cache.resolve(hash) == key)
        world.cache.invalidate([event("client.status_changed", ["status": "suspended"])])
        _ = try await world.cache.resolve(hash)
        #expect(world.asked == 3)
    }

    @Test func `an answer that a message overtook is not remembered`() async throws {
        let world = World(contactAge: .zero)
        let revoked = event("key.revoked", ["key_hash": .string(Hex.encode(hash))])
        world.upstream.state.withLock { state in
            state.keys[hash] = key
            state.beforeAnswer = { world.cache.invalidate([revoked]) }
        }
        _ = try await world.cache.resolve(hash)
        world.upstream.state.withLock { $0.keys[hash] = nil }
        #expect(try await world.cache.resolve(hash) == nil)
    }

    @Test func `with client-service down known keys work for five minutes, unknown get 503`()
        async throws
    {
        let world = World()
        world.upstream.state.withLock { $0.keys[hash] = key }
        _ = try await world.cache.resolve(hash)
        world.upstream.state.withLock { $0.isDown = true }
        world.pass(.seconds(10))
        #expect(try await world.cache.resolve(hash) == key)
        await expectRefused(world, Digest.sha256([2]))
        world.pass(.seconds(299))
        #expect(try await world.cache.resolve(hash) == key)
        world.pass(.seconds(2))
        await expectRefused(world, hash)
        world.upstream.state.withLock { $0.isDown = false }
        #expect(try await world.cache.resolve(hash) == key)
    }

    @Test func `requests for one key ask once`() async throws {
        let world = World()
        world.upstream.state.withLock { state in
            state.keys[hash] = key
            state.beforeAnswer = { try? await Task.sleep(for: .milliseconds(50)) }
        }
        try await withThrowingTaskGroup(of: ResolvedKey?.self) { group in
            for _ in 0..<100 { group.addTask { try await world.cache.resolve(hash) } }
            for try await found in group { #expect(found == key) }
        }
        #expect(world.asked == 1)
    }

    @Test func `a remembered key costs the hundred-thousandth caller no more than the first`()
        async throws
    {
        // Were each call to leave something behind that the next has to pass, this would end in
        // the time limit or in an overflow of the stack.
        let world = World(contactAge: .seconds(1))
        world.upstream.state.withLock { $0.keys[hash] = key }
        var found = 0
        for _ in 0..<100_000 where try await world.cache.resolve(hash) != nil { found += 1 }
        #expect(found == 100_000)
        #expect(world.asked == 1)
    }
}
