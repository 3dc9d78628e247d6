import Foundation
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(3))) struct IdempotencyStoreTests {
    private static let migrations =
        ServiceKitMigrations.all + [
            Migration(
                component: "test", version: 1, name: "effect",
                sql: "create table effect (id bigserial primary key, note text not null)")
        ]

    /// A database with the effect's table, and stores as in two replicas.
    private struct Fixture: Sendable {
        let postgres: PostgresClient
        let clock = TestClock()
        let store: IdempotencyStore
        let replica: IdempotencyStore
        let clientID = ClientID(UUID())

        init(_ postgres: PostgresClient) {
            self.postgres = postgres
            store = IdempotencyStore(world: World(clock: clock))
            replica = IdempotencyStore(world: World(clock: clock))
        }

        func request(_ key: String = "k", payload: String = "p") -> IdempotencyRequest {
            IdempotencyRequest(
                clientID: clientID, route: "POST /things", key: key, payload: Array(payload.utf8))
        }

        func effect(_ note: String, in transaction: Transaction) async throws -> StoredResponse {
            _ = try await transaction.execute("insert into effect (note) values (\(note))")
            return try StoredResponse.json(["note": note], status: 201)
        }

        func effects() async throws -> Int {
            let row = try await postgres.queryOne("select count(*) as total from effect")
            return try row?.get("total") ?? -1
        }

        func keys() async throws -> Int {
            let row = try await postgres.queryOne("select count(*) as total from idempotency_key")
            return try row?.get("total") ?? -1
        }
    }

    private func withFixture(
        connections: Int = 8, _ body: (Fixture) async throws -> Void
    ) async throws {
        let server = try await TestPostgres.shared()
        try await server.withDatabase(Self.migrations) { database in
            var configuration = database.configuration
            configuration.leasedConnections = connections
            let postgres = PostgresClient(configuration, telemetry: Telemetry())
            try await body(Fixture(postgres))
            await postgres.shutdown()
        }
    }

    private func problem(_ body: () async throws -> Void) async -> Problem? {
        do {
            try await body()
            return nil
        } catch {
            return error as? Problem
        }
    }

    @Test func `a repeat gets the first answer and has no effect`() async throws {
        try await withFixture { fixture in
            let first = try await fixture.store.perform(fixture.request(), in: fixture.postgres) {
                try await fixture.effect("one", in: $0)
            }
            #expect(!first.isReplay && first.response.headers["Idempotency-Replayed"] == nil)
            for store in [fixture.store, fixture.replica] {
                let second = try await store.perform(fixture.request(), in: fixture.postgres) {
                    try await fixture.effect("two", in: $0)
                }
                #expect(second.isReplay && second.stored == first.stored)
                #expect(second.response.status == 201)
                #expect(second.response.headers["Idempotency-Replayed"] == "true")
                #expect(second.response.headers["Content-Type"] == "application/json")
            }
            #expect(try await fixture.effects() == 1)
        }
    }

    @Test func `another payload under the same key is refused`() async throws {
        try await withFixture { fixture in
            for (store, payload) in [(fixture.store, "a"), (fixture.replica, "b")] {
                let found = await problem {
                    let request = fixture.request(payload: payload)
                    _ = try await store.perform(request, in: fixture.postgres) {
                        try await fixture.effect(payload, in: $0)
                    }
                }
                #expect(found?.code == (payload == "a" ? nil : "idempotency_key_reused"))
                #expect(found?.status == (payload == "a" ? nil : 422))
            }
            let effects = try await fixture.effects()
            #expect(effects == 1)
        }
    }

    @Test func `tenants and routes have keys of their own`() async throws {
        try await withFixture { fixture in
            let requests = [
                fixture.request(),
                IdempotencyRequest(
                    clientID: ClientID(UUID()), route: "POST /things", key: "k", payload: []),
                IdempotencyRequest(
                    clientID: fixture.clientID, route: "POST /others", key: "k", payload: []),
            ]
            for request in requests {
                let answer = try await fixture.store.perform(request, in: fixture.postgres) {
                    try await fixture.effect("x", in: $0)
                }
                #expect(!answer.isReplay)
            }
            #expect(try await fixture.effects() == 3)
        }
    }

    @Test func `a problem rolls back, is not kept, and the key may be tried again`() async throws {
        try await withFixture { fixture in
            let found = await problem {
                _ = try await fixture.store.perform(fixture.request(), in: fixture.postgres) {
                    _ = try await fixture.effect("gone", in: $0)
                    throw Problem.conflict("not_now", "Not now.")
                }
            }
            #expect(found?.code == "not_now")
            #expect(try await fixture.effects() == 0)
            #expect(try await fixture.keys() == 0)
            let answer = try await fixture.store.perform(fixture.request(), in: fixture.postgres) {
                try await fixture.effect("kept", in: $0)
            }
            #expect(!answer.isReplay)
        }
    }

    @Test(arguments: [8, 2])
    func `200 parallel requests with one key have one effect and one answer`(
        connections: Int
    ) async throws {
        try await withFixture(connections: connections) { fixture in
            let answers = await withTaskGroup(of: Result<IdempotentAnswer, any Error>.self) {
                group in
                for number in 0..<200 {
                    let store = number % 2 == 0 ? fixture.store : fixture.replica
                    group.addTask {
                        do {
                            let request = fixture.request()
                            let answer = try await store.perform(request, in: fixture.postgres) {
                                try await Task.sleep(for: .milliseconds(30))
                                return try await fixture.effect("\(number)", in: $0)
                            }
                            return .success(answer)
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            var bodies: Set<[UInt8]> = []
            for answer in answers {
                switch answer {
                case .success(let answer): bodies.insert(answer.stored.body)
                case .failure(let error):
                    let found = error as? Problem
                    #expect(found?.code == "idempotency_in_progress", "\(error)")
                    #expect(found?.retryAfter != nil)
                }
            }
            #expect(bodies.count == 1)
            #expect(try await fixture.effects() == 1)
            let later = try await fixture.store.perform(fixture.request(), in: fixture.postgres) {
                try await fixture.effect("late", in: $0)
            }
            #expect(later.isReplay && bodies.contains(later.stored.body))
        }
    }

    @Test func `a twin in another process that takes long ends in 409 with a time to return`()
        async throws
    {
        try await withFixture { fixture in
            let (held, release) = (Gate(), Gate())
            let first = Task {
                try await fixture.replica.perform(fixture.request(), in: fixture.postgres) {
                    held.open()
                    await release.wait()
                    return try await fixture.effect("slow", in: $0)
                }
            }
            await held.wait()
            let found = await problem {
                _ = try await fixture.store.perform(fixture.request(), in: fixture.postgres) {
                    try await fixture.effect("twin", in: $0)
                }
            }
            #expect(found?.status == 409 && found?.code == "idempotency_in_progress")
            #expect(found?.retryAfter == .seconds(1))
            release.open()
            let answer = try await first.value
            #expect(!answer.isReplay)
            let effects = try await fixture.effects()
            #expect(effects == 1)
        }
    }

    @Test func `keys are forgotten after 48 hours and not before`() async throws {
        try await withFixture { fixture in
            for key in ["old", "new"] {
                _ = try await fixture.store.perform(fixture.request(key), in: fixture.postgres) {
                    try await fixture.effect(key, in: $0)
                }
                fixture.clock.advance(by: .seconds(24 * 3600))
            }
            #expect(try await fixture.store.purge(fixture.postgres) == 0)
            fixture.clock.advance(by: .seconds(1))
            #expect(try await fixture.store.purge(fixture.postgres) == 1)
            let again = try await fixture.store.perform(
                fixture.request("new"), in: fixture.postgres
            ) { try await fixture.effect("again", in: $0) }
            #expect(again.isReplay)
        }
    }
}

/// Opens once; whoever waits goes on.
private final class Gate: Sendable {
    private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    func open() { continuation.finish() }
    func wait() async { for await _ in stream {} }
}
