import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import ClientService

@Suite(.timeLimit(.minutes(2))) struct ClientKeyTests {
    @Test func `the secret is in the first answer and nowhere else`() async throws {
        try await ClientHarness.run { harness in
            let (_, own) = try await harness.makeClient()
            let request: JSONValue = ["kind": "secret", "name": "server"]
            let first = try await harness.portal(.post, "/keys", request, as: own, key: "k1")
            #expect(first.status == 201)
            let secret = try #require(first.body["secret"]?.string)
            #expect(first.body["hint"]?.string == String(secret.suffix(4)))
            #expect(try await harness.portal(.get, "/client", as: secret).status == 200)
            let again = try await harness.portal(.post, "/keys", request, as: own, key: "k1")
            #expect(again.status == 201)
            #expect(again.headers["Idempotency-Replayed"] == "true")
            #expect(again.body["key_id"] == first.body["key_id"])
            #expect(again.body["secret"] == .null)
            #expect(again.body["secret_detail"]?.string?.contains("once") == true)
            let list = try await harness.portal(.get, "/keys", as: own)
            #expect(list.body["data"]?.array?.count == 2)
            let random = String(secret.dropFirst("gv_sk_".count).dropLast(4))
            let stored = try await Self.everything(in: harness.postgres)
            let hidden = Hex.encode(Array(random.utf8))
            #expect(!stored.contains(random) && !stored.contains(hidden))
            let hash = Hex.encode(try #require(APIKeySecret(parsing: secret)).hash)
            #expect(stored.contains(hash), "the dump reads binary columns too")
            #expect(!harness.recorded.contains(random))
            let listed = String(decoding: try JSONCoding.encode(list.body), as: UTF8.self)
            #expect(!listed.contains(random))
            let told = String(
                decoding: try JSONCoding.encode(harness.log.messages), as: UTF8.self)
            #expect(!told.contains(random))
        }
    }

    /// Every row of every table as text; binary columns as hexadecimal digits.
    private static func everything(in postgres: PostgresClient) async throws -> String {
        let tables = try await postgres.query(
            """
            select table_name::text as name from information_schema.tables
            where table_schema = 'public'
            """)
        var text = ""
        for row in tables {
            let name: String = try row.get("name")
            let rows = try await postgres.queryOne(
                "select coalesce(string_agg(t::text, ' '), '') as all from \(identifier: name) t")
            text += try rows?.get("all") ?? ""
        }
        return text
    }

    @Test func `a revoked key is refused at once here and soon by every other service`()
        async throws
    {
        try await ClientHarness.run { harness in
            let (id, own) = try await harness.makeClient()
            let key = try await harness.makeKey(of: id)
            // What any other service has: a cache over HTTP that follows the log.
            let cache = CachedKeyResolver(
                upstream: PeerAPIKeyResolver(clientService: harness.peer), telemetry: Telemetry())
            let log = HTTPLog(
                peer: PeerClient(
                    name: "event-service", baseURL: harness.logURL, client: harness.http,
                    authorization: { "Bearer x" }))
            let tail = Tail(
                types: ClientMessage.all, log: log, redis: nil, world: World(),
                onStart: { cache.invalidateAll() }, onEvents: { cache.invalidate($0) })
            cache.watch { tail.lastContact }
            let following = Task { await tail.run() }
            try await eventually("the cache follows the log") { tail.lastContact != nil }
            let hash = try #require(APIKeySecret(parsing: key.secret)).hash
            #expect(try await cache.resolve(hash)?.clientID == id)
            #expect(try await harness.portal(.get, "/client", as: key.secret).status == 200)
            let revoked = try await harness.portal(.post, "/keys/\(key.id)/revoke", as: own)
            #expect(revoked.status == 200)
            #expect(revoked.body["revoked_at"]?.string != nil)
            #expect(harness.log.messages.last?.type == ClientMessage.keyRevoked)
            let refused = try await harness.portal(.get, "/client", as: key.secret)
            #expect(refused.status == 401)
            #expect(refused.body["code"] == "invalid_key")
            try await eventually("the other service refuses it", within: .seconds(5)) {
                try await cache.resolve(hash) == nil
            }
            following.cancel()
            await following.value
            let again = try await harness.portal(.post, "/keys/\(key.id)/revoke", as: own)
            #expect(again.body == revoked.body)
            #expect(harness.log.messages.count { $0.type == ClientMessage.keyRevoked } == 1)
        }
    }

    @Test func `a revocation that the log does not take is stored, said so, and told later`()
        async throws
    {
        try await ClientHarness.run { harness in
            let (id, own) = try await harness.makeClient()
            let key = try await harness.makeKey(of: id)
            try await eventually("all is told") { harness.log.messages.count == 3 }
            #expect(try await harness.portal(.get, "/client", as: key.secret).status == 200)
            harness.log.setAway(true)
            let path = "/keys/\(key.id)/revoke"
            let first = try await harness.portal(.post, path, as: own, key: "r")
            #expect(first.status == 503)
            #expect(first.body["code"] == "change_not_announced")
            #expect(first.headers["Retry-After"] != nil)
            #expect(try await harness.portal(.get, "/client", as: key.secret).status == 401)
            harness.log.setAway(false)
            let second = try await harness.portal(.post, path, as: own, key: "r")
            #expect(second.status == 200)
            #expect(harness.log.messages.last?.type == ClientMessage.keyRevoked)
            #expect(harness.log.messages.last?.data["key_id"]?.string == key.id)
        }
    }

    @Test func `another client's keys and people do not exist`() async throws {
        try await ClientHarness.run { harness in
            let (id, _) = try await harness.makeClient()
            let (_, stranger) = try await harness.makeClient()
            let key = try await harness.makeKey(of: id)
            let person = ParticipantID.derived(client: id, externalID: "user-1")
            let position = harness.log.add(
                "seen", of: id,
                participant: LogParticipant(participantID: person, externalID: "user-1"))
            try await harness.passed(position)
            func isSame(_ method: HTTPMethod, _ path: String, _ nobodys: String) async throws {
                let theirs = try await harness.portal(method, path, as: stranger)
                let none = try await harness.portal(method, nobodys, as: stranger)
                #expect(theirs.status == 404)
                #expect(
                    ClientHarness.comparable(theirs.body) == ClientHarness.comparable(none.body))
            }
            try await isSame(
                .post, "/keys/\(key.id)/revoke", "/keys/\(APIKeyID(UUID()))/revoke")
            try await isSame(.post, "/keys/\(key.id)/revoke", "/keys/x/revoke")
            try await isSame(
                .get, "/participants/\(person)", "/participants/\(ParticipantID(UUID()))")
            try await isSame(.get, "/participants/\(person)", "/participants/x")
            #expect(try await harness.portal(.get, "/client", as: key.secret).status == 200)
            let people = try await harness.portal(.get, "/participants", as: stranger)
            #expect(people.body["data"] == [])
            let cursor = ParticipantID(UUID(uuidString: "00000000-0000-0000-0000-000000000000")!)
            let paged = try await harness.portal(
                .get, "/participants?cursor=\(cursor)", as: stranger)
            #expect(paged.body["data"] == [])
            let named = try await harness.portal(
                .get, "/participants?external_id=user-1", as: stranger)
            #expect(named.body["data"] == [])
            let keys = try await harness.portal(.get, "/keys", as: stranger)
            #expect(keys.body["data"]?.array?.count == 1)
        }
    }

    @Test func `a key does what its kind and scopes let it`() async throws {
        try await ClientHarness.run { harness in
            let (id, _) = try await harness.makeClient()
            let publishable = try await harness.makeKey(
                of: id, kind: "publishable", origins: ["https://Shop.example"])
            #expect(publishable.secret.hasPrefix("gv_pk_"))
            let refused = try await harness.portal(.get, "/client", as: publishable.secret)
            #expect(refused.status == 403)
            let limited = try await harness.makeKey(of: id, scopes: ["keys", "x"])
            #expect(
                try await harness.portal(.get, "/participants", as: limited.secret).body["code"]
                    == "scope_missing")
            let more = try await harness.portal(
                .post, "/keys", ["kind": "secret", "name": "k"], as: limited.secret)
            #expect(more.status == 403)
            #expect(more.body["code"] == "scope_exceeded")
            let less = try await harness.portal(
                .post, "/keys", ["kind": "secret", "name": "k", "scopes": ["x"]],
                as: limited.secret)
            #expect(less.status == 201)
            let none = try await harness.portal(
                .get, "/keys", as: try #require(less.body["secret"]?.string))
            #expect(none.body["code"] == "scope_missing")
            let resolved = try await harness.peer.call(
                ClientContracts.resolveKey,
                ResolveKeyRequest(
                    keyHash: Hex.encode(
                        try #require(APIKeySecret(parsing: publishable.secret)).hash)))
            #expect(resolved.key?.origins == ["https://shop.example"])
            #expect(resolved.key?.kind == .publishable)
        }
    }

    @Test func `a client has at most a hundred keys in use, however many ask at once`()
        async throws
    {
        try await ClientHarness.run { harness in
            let (id, own) = try await harness.makeClient()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<110 {
                    group.addTask {
                        try await harness.staff(
                            .post, "/clients/\(id)/keys", ["kind": "secret", "name": "k"]
                        ).status
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [201: 99, 409: 11])
            let page = try await harness.portal(.get, "/keys?limit=1", as: own)
            let first = try #require(page.body["data"]?.array?.first?["key_id"]?.string)
            #expect(page.body["next_cursor"]?.string == first)
        }
    }
}
