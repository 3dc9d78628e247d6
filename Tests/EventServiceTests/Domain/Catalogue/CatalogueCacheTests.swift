import Contracts
import FoundationEssentials
import Kernel
import Synchronization
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(1))) struct CatalogueCacheTests {
    /// A store that counts questions, and a clock that the test moves.
    private final class Source: Sendable {
        struct State {
            var now: Duration = .zero
            var questions = 0
            var answer = ClientCatalogue()
            var isAway = false
        }
        struct Away: Error {}
        let state = Mutex(State())

        func load() throws -> ClientCatalogue {
            try state.withLock { state in
                state.questions += 1
                if state.isAway { throw Away() }
                return state.answer
            }
        }

        func cache(capacity: Int = 100) -> CatalogueCache {
            CatalogueCache(
                capacity: capacity, uptime: { self.state.withLock { $0.now } },
                load: { _ in try self.load() })
        }
    }

    private let client = ClientID(UUID())

    @Test func `what is fresh is not asked again, and nothing older than the limit counts`()
        async throws
    {
        let source = Source()
        let cache = source.cache()
        _ = try await cache.catalogue(of: client)
        source.state.withLock {
            $0.answer.unknown = .refuse
            $0.now = CatalogueCache.freshness - .milliseconds(1)
        }
        let fresh = try await cache.catalogue(of: client)
        #expect(fresh.unknown == .accept)
        #expect(source.state.withLock { $0.questions } == 1)
        source.state.withLock { $0.now = CatalogueCache.maximumAge }
        let late = try await cache.catalogue(of: client)
        #expect(late.unknown == .refuse)
    }

    @Test func `in between the old answer counts while one question is asked`() async throws {
        let source = Source()
        let cache = source.cache()
        _ = try await cache.catalogue(of: client)
        source.state.withLock {
            $0.answer.unknown = .refuse
            $0.now = CatalogueCache.freshness
        }
        _ = try await cache.catalogue(of: client)
        try await eventually("the new answer counts") {
            try await cache.catalogue(of: client).unknown == .refuse
        }
        #expect(source.state.withLock { $0.questions } == 2)
    }

    @Test func `while PostgreSQL is away the last answer counts for five minutes`() async throws {
        let source = Source()
        let cache = source.cache()
        _ = try await cache.catalogue(of: client)
        source.state.withLock {
            $0.isAway = true
            $0.now = CatalogueCache.outageAge - .milliseconds(1)
        }
        let stale = try await cache.catalogue(of: client)
        #expect(stale.unknown == .accept)
        source.state.withLock { $0.now = CatalogueCache.outageAge }
        await #expect(throws: Source.Away.self) { try await cache.catalogue(of: client) }
        let stranger = ClientID(UUID())
        await #expect(throws: Source.Away.self) { try await cache.catalogue(of: stranger) }
    }

    @Test func `a change counts at once where it was made, and what is remembered is bounded`()
        async throws
    {
        let source = Source()
        let cache = source.cache(capacity: 10)
        _ = try await cache.catalogue(of: client)
        source.state.withLock { $0.answer.unknown = .refuse }
        cache.forget(client)
        let changed = try await cache.catalogue(of: client)
        #expect(changed.unknown == .refuse)
        for _ in 0..<100 { _ = try await cache.catalogue(of: ClientID(UUID())) }
        #expect(cache.count <= 10)
    }
}
