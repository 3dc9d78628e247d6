import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import TestKit
import Testing

@testable import ClientService

@Suite(.timeLimit(.minutes(2))) struct ClientAdminTests {
    @Test func `staff create clients, read them and page through them`() async throws {
        try await ClientHarness.run { harness in
            var ids: [String] = []
            for number in 1...3 {
                let answer = try await harness.staff(
                    .post, "/clients", ["name": .string("Shop \(number)"), "mode": "test"])
                #expect(answer.status == 201)
                #expect(answer.body["status"] == "active")
                #expect(answer.body["mode"] == "test")
                ids.append(try #require(answer.body["client_id"]?.string))
            }
            let one = try await harness.staff(.get, "/clients/\(ids[1])")
            #expect(one.body["name"] == "Shop 2")
            var seen: [String] = []
            var path = "/clients?limit=2"
            while true {
                let page = try await harness.staff(.get, path)
                seen += page.body["data"]?.array?.compactMap { $0["client_id"]?.string } ?? []
                guard let cursor = page.body["next_cursor"]?.string else { break }
                path = "/clients?limit=2&cursor=\(cursor)"
            }
            #expect(seen == ids)
            let nobody = try await harness.staff(.get, "/clients/\(ClientID(UUID()))")
            let noID = try await harness.staff(.get, "/clients/x")
            #expect(nobody.status == 404)
            #expect(
                ClientHarness.comparable(nobody.body) == ClientHarness.comparable(noID.body))
        }
    }

    @Test func `two hundred parallel creates with one key make one client`() async throws {
        try await ClientHarness.run { harness in
            let bodies = try await withThrowingTaskGroup(of: JSONValue?.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        let answer = try await harness.staff(
                            .post, "/clients", ["name": "Once"], key: "one")
                        if answer.status == 409 {
                            #expect(answer.headers["Retry-After"] != nil)
                            return nil
                        }
                        #expect(answer.status == 201)
                        return answer.body
                    }
                }
                return try await group.reduce(into: Set<JSONValue>()) {
                    if let body = $1 { $0.insert(body) }
                }
            }
            #expect(bodies.count == 1)
            let again = try await harness.staff(.post, "/clients", ["name": "Once"], key: "one")
            #expect(again.body == bodies.first)
            #expect(again.headers["Idempotency-Replayed"] == "true")
            let list = try await harness.staff(.get, "/clients")
            #expect(list.body["data"]?.array?.count == 1)
            let other = try await harness.staff(.post, "/clients", ["name": "Other"], key: "one")
            #expect(other.status == 422)
            #expect(other.body["code"] == "idempotency_key_reused")
        }
    }

    @Test func `staff tokens count by current or previous secret, for this audience, in time`()
        async throws
    {
        try await ClientHarness.run { harness in
            let now = SystemClock().now()
            func token(
                _ secret: [UInt8], audience: String = StaffTokenCommand.audience,
                expires: Duration = .seconds(60)
            ) throws -> String {
                try JWTSigner.hs256(secret: secret).sign(
                    JWTClaims(sub: "x", aud: [audience], exp: now + expires))
            }
            let claims = JWTClaims(
                sub: "x", aud: [StaffTokenCommand.audience], exp: now + .seconds(60))
            let unsigned =
                Base64URL.encode(Array(#"{"alg":"none"}"#.utf8)) + "."
                + (try token(ClientHarness.staffSecret).split(separator: ".")[1]) + "."
            let table: [(String, String?, Int)] = [
                ("current", try token(ClientHarness.staffSecret), 200),
                ("previous", try token(ClientHarness.previousSecret), 200),
                ("a stranger's", try token(Array(repeating: 7, count: 32)), 401),
                ("audience", try token(ClientHarness.staffSecret, audience: "grapevine"), 401),
                ("expired", try token(ClientHarness.staffSecret, expires: .seconds(-31)), 401),
                ("skew", try token(ClientHarness.staffSecret, expires: .seconds(-5)), 200),
                (
                    "EdDSA",
                    JWTSigner.ed25519(harness.callerKey, kid: "event-service").sign(claims), 401
                ),
                ("none", unsigned, 401), ("nothing", nil, 401),
                ("an API key", try await harness.makeClient().secret, 401),
            ]
            for (what, token, status) in table {
                let answer = try await harness.call(.get, "/v1/admin/clients", credential: token)
                #expect(answer.status == status, "\(what)")
            }
        }
    }

    @Test func `the staff-token command says what is wrong with its arguments`() throws {
        let secret = ClientHarness.staffSecret
        func code(_ arguments: [String], _ secret: [UInt8]?) -> String? {
            do {
                _ = try StaffTokenCommand.token(arguments, secret: secret, clock: SystemClock())
                return nil
            } catch {
                return (error as? Problem)?.code
            }
        }
        #expect(code(["--subject", "a", "--minutes", "5"], secret) == nil)
        #expect(code(["--subject", "a"], nil) == "staff_secret_missing")
        for arguments in [
            [], ["--subject"], ["--minutes", "5"], ["--subject", "a", "--minutes", "0"],
            ["--subject", "a", "--minutes", "x"], ["--subject", "a", "--minutes", "1441"],
            ["a"], ["--name", "a"], ["--subject", " "],
        ] {
            #expect(code(arguments, secret) == "usage", "\(arguments)")
        }
    }

    @Test func `a suspended client's keys are refused at once and work again afterwards`()
        async throws
    {
        try await ClientHarness.run { harness in
            let (id, secret) = try await harness.makeClient()
            #expect(try await harness.portal(.get, "/client", as: secret).status == 200)
            func set(_ status: String) async throws -> ClientHarness.Answer {
                try await harness.staff(
                    .post, "/clients/\(id)/status",
                    ["status": .string(status), "reason": "not paid"])
            }
            #expect(try await set("suspended").body["status"] == "suspended")
            let refused = try await harness.portal(.get, "/client", as: secret)
            #expect(refused.status == 403)
            #expect(refused.body["code"] == "client_suspended")
            #expect(harness.log.messages.last?.type == ClientMessage.statusChanged)
            #expect(harness.log.messages.last?.data["status"] == "suspended")
            let count = harness.log.messages.count
            #expect(try await set("suspended").status == 200)
            #expect(harness.log.messages.count == count, "nothing new to tell")
            #expect(try await set("active").status == 200)
            #expect(try await harness.portal(.get, "/client", as: secret).status == 200)
            #expect(try await set("closed").status == 200)
            #expect(try await set("active").body["code"] == "illegal_transition")
            let key = try await harness.staff(
                .post, "/clients/\(id)/keys", ["kind": "secret", "name": "k"])
            #expect(key.body["code"] == "client_closed")
        }
    }

    @Test func `a test client's clock moves forward and the log is told first`() async throws {
        try await ClientHarness.run { harness in
            let (id, secret) = try await harness.makeClient(mode: "test")
            let path = "/clients/\(id)/clock"
            let day: JSONValue = ["offset_milliseconds": 86_400_000]
            let moved = try await harness.staff(.post, path, day)
            #expect(moved.body["business_clock_offset_milliseconds"] == 86_400_000)
            let message = try #require(harness.log.messages.last)
            #expect(message.type == ClientMessage.settingsChanged)
            #expect(message.data["business_clock_offset_milliseconds"] == 86_400_000)
            #expect(message.occurredAt > SystemClock().now() + .seconds(80_000))
            let back = try await harness.staff(.post, path, ["offset_milliseconds": 1])
            #expect(back.body["code"] == "clock_goes_back")
            let own = try await harness.portal(.get, "/client", as: secret)
            #expect(own.body["business_clock_offset_milliseconds"] == 86_400_000)
            #expect(secret.hasPrefix("gv_test_sk_"))
            let (live, _) = try await harness.makeClient()
            let refused = try await harness.staff(.post, "/clients/\(live)/clock", day)
            #expect(refused.status == 409)
            #expect(refused.body["code"] == "not_in_test_mode")
        }
    }

    @Test func `the audit tells every deed, newest first, and cannot be changed`() async throws {
        try await ClientHarness.run { harness in
            let (id, secret) = try await harness.makeClient()
            let (other, _) = try await harness.makeClient()
            let key = try await harness.makeKey(of: id)
            _ = try await harness.portal(.post, "/keys/\(key.id)/revoke", as: secret)
            _ = try await harness.staff(
                .post, "/clients/\(id)/status", ["status": "suspended", "reason": "fraud"])
            var actions: [String] = []
            var actors: Set<String> = []
            var path = "/audit?client_id=\(id)&limit=2"
            while true {
                let page = try await harness.staff(.get, path)
                for entry in page.body["data"]?.array ?? [] {
                    actions.append(entry["action"]?.string ?? "")
                    actors.insert(String(entry["actor"]?.string?.prefix(4) ?? ""))
                    #expect(entry["client_id"]?.string == id.description)
                }
                guard let cursor = page.body["next_cursor"]?.string else { break }
                path = "/audit?client_id=\(id)&limit=2&cursor=\(cursor)"
            }
            #expect(
                actions == [
                    "client.change_status", "key.revoke", "key.create", "key.create",
                    "client.create",
                ])
            #expect(actors == ["staf", "key_"])
            let all = try await harness.staff(.get, "/audit")
            #expect(all.body["data"]?.array?.count == 7)
            #expect(
                all.body["data"]?.array?.contains { $0["target"]?.string == "\(other)" } == true)
            for statement in [
                "delete from audit_entry", "update audit_entry set actor = 'x'",
                "truncate audit_entry",
            ] {
                await #expect(throws: PostgresError.self) {
                    try await harness.postgres.execute(SQL(unsafeRaw: statement))
                }
            }
        }
    }
}
