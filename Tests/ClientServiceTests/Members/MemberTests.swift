import Contracts
import Foundation
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import ClientService

/// Staff make members and remove them; the public keys are for anyone.
extension SignInTests {
    @Suite(.timeLimit(.minutes(5))) struct MemberTests {
        private func body(
            _ email: String, name: String = "Ada", password: String = ClientHarness.password
        ) -> JSONValue {
            [
                "email": .string(email), "name": .string(name), "password": .string(password),
                "role": "owner",
            ]
        }

        @Test func `staff make a member once for each address of a client`() async throws {
            try await ClientHarness.run { harness in
                let (first, second) = (
                    try await harness.makeClient(), try await harness.makeClient()
                )
                let path = "/clients/\(first.id)/members"
                let made = try await harness.staff(.post, path, body("Ada@Shop.example"), key: "k1")
                #expect(made.status == 201)
                #expect(made.body["email"] == "ada@shop.example")
                #expect(made.body["created_by"] == "staff:tests")
                #expect(made.body["password"] == nil && made.body["password_hash"] == nil)
                let repeated = try await harness.staff(
                    .post, path, body("Ada@Shop.example"), key: "k1")
                #expect(repeated.status == 201)
                #expect(repeated.headers["Idempotency-Replayed"] == "true")
                #expect(repeated.body == made.body)
                let again = try await harness.staff(.post, path, body("ADA@shop.example"))
                #expect(again.status == 409)
                #expect(again.body["code"] == "member_exists")
                _ = try await harness.makeMember(of: second.id)
                let list = try await harness.staff(.get, path)
                #expect(
                    list.body["data"]?.array?.map { $0["member_id"] } == [made.body["member_id"]])
                let nobody = try await harness.staff(
                    .post, "/clients/\(ClientID(UUID()))/members", body("x@y.example"))
                #expect(nobody.status == 404)
                let audit = try await harness.staff(.get, "/audit?client_id=\(first.id)")
                #expect(audit.body["data"]?.array?.first?["action"] == "member.create")
            }
        }

        @Test func `everything that is wrong with a new member is named`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                let answer = try await harness.staff(
                    .post, "/clients/\(client.id)/members", body("a@", name: " ", password: "short")
                )
                #expect(answer.status == 400)
                let pointers = answer.body["errors"]?.array?.compactMap { $0["pointer"]?.string }
                #expect(pointers == ["/email", "/name", "/password"])
                for email in ["a", "a@b@c", "a b@c", "ä@c.example", "@c", "a@.c", "a@c\n"] {
                    #expect(EmailAddress(email) == nil, "\(email)")
                }
                #expect(EmailAddress(" A@B.c ")?.text == "a@b.c")
            }
        }

        @Test func `a removed member is out at once and can be made anew`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                let memberID = try await harness.makeMember(of: client.id)
                let browser = try await harness.browser()
                #expect(try await harness.portal(.get, "/client", as: browser.token).status == 200)
                let path = "/clients/\(client.id)/members/\(memberID)/remove"
                let removed = try await harness.staff(.post, path)
                #expect(removed.status == 200)
                #expect(removed.body["removed_at"]?.string != nil)
                #expect(harness.log.messages.contains { $0.type == ClientMessage.memberRemoved })
                #expect(try await harness.portal(.get, "/client", as: browser.token).status == 401)
                #expect(try await harness.refresh(browser.cookie).status == 401)
                #expect(try await harness.signIn().status == 401)
                #expect(try await harness.staff(.post, path).status == 200)
                let other = try await harness.makeClient()
                let foreign = "/clients/\(other.id)/members/\(memberID)/remove"
                #expect(try await harness.staff(.post, foreign).status == 404)
                _ = try await harness.makeMember(of: client.id)
                #expect(try await harness.signIn().status == 201)
            }
        }

        @Test func `a suspended client's members can neither sign in nor go on`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let browser = try await harness.browser()
                let status = "/clients/\(client.id)/status"
                _ = try await harness.staff(
                    .post, status, ["status": "suspended", "reason": "test"])
                let used = try await harness.portal(.get, "/client", as: browser.token)
                #expect(used.status == 403)
                #expect(used.body["code"] == "client_suspended")
                #expect(ClientHarness.code(try await harness.signIn()) == "client_suspended")
                #expect(try await harness.signIn("x@y.example").status == 401)
                let refused = try await harness.refresh(browser.cookie)
                #expect(ClientHarness.code(refused) == "client_suspended")
                _ = try await harness.staff(.post, status, ["status": "active", "reason": "test"])
                // A refusal did not use the token up.
                #expect(try await harness.refresh(browser.cookie).status == 200)
            }
        }

        @Test func `the key set has the current and the previous key, and no secret`() async throws
        {
            let (key, previous) = (Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate())
            let configuration = ClientConfiguration(memberKey: key, previousMemberKey: previous)
            try await ClientHarness.run(configuration: configuration) { harness in
                let answer = try await harness.call(
                    .get, MemberContracts.keySetPath, credential: nil)
                #expect(answer.status == 200)
                #expect(answer.headers["Cache-Control"] == "public, max-age=60")
                let keys = answer.body["keys"]?.array ?? []
                #expect(
                    keys.map { $0["kid"]?.string } == [
                        key.publicKey.thumbprint, previous.publicKey.thumbprint,
                    ])
                for key in keys {
                    let names = Set((key.object ?? [:]).keys)
                    #expect(names == ["alg", "crv", "kid", "kty", "use", "x"])
                }
            }
        }

        @Test func `nobody signs in where no key is configured`() async throws {
            try await ClientHarness.run(configuration: ClientConfiguration()) { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let answer = try await harness.signIn()
                #expect(answer.status == 503)
                #expect(ClientHarness.code(answer) == "sign_in_not_configured")
            }
        }

        @Test func `other services learn whether a session still counts`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                let memberID = try await harness.makeMember(of: client.id)
                let browser = try await harness.browser()
                let row = try #require(
                    try await harness.postgres.queryOne("select session_id from member_session"))
                let session: SessionID = try row.get("session_id")
                let question = ResolveSessionRequest(sessionID: session)
                let answer = try await harness.peer.call(MemberContracts.resolveSession, question)
                #expect(answer.session?.memberID.description == memberID)
                #expect(answer.session?.clientID == client.id)
                _ = try await harness.signOut(browser.cookie)
                let over = try await harness.peer.call(MemberContracts.resolveSession, question)
                #expect(over.session == nil)
            }
        }

        @Test func `the command makes a member who can sign in with the printed password`()
            async throws
        {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                let service = harness.service.service
                let arguments = [
                    "--client", client.id.description, "--email", "owner@shop.example",
                ]
                let printed = try JSONCoding.parse(
                    Array(try await CreateMemberCommand.run(arguments, service).utf8))
                let password = try #require(printed["password"]?.string)
                #expect(try await harness.signIn("owner@shop.example", password).status == 201)
                await #expect(throws: Problem.self) {
                    try await CreateMemberCommand.run(arguments, service)
                }
                for wrong in [
                    [], ["--client"], ["--client", "x", "--email", "a@b.c"],
                    ["--client", client.id.description],
                    arguments + ["--password-file", "/nowhere"],
                ] {
                    await #expect(throws: Problem.self) {
                        try await CreateMemberCommand.run(wrong, service)
                    }
                }
            }
        }

        @Test func `attempts to sign in are limited by address of mail and of network`()
            async throws
        {
            let redis = try await TestRedis.make()
            try await ClientHarness.run(redisURL: redis.url) { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                for _ in 0..<SignIn.perEmail.limit {
                    #expect(try await harness.signIn("x@y.example", "").status == 401)
                }
                let refused = try await harness.signIn("x@y.example", "")
                #expect(refused.status == 429)
                #expect(refused.headers["Retry-After"] != nil)
                #expect(refused.headers["RateLimit"]?.contains("sign_in_email") == true)
                // Others still can.
                #expect(try await harness.signIn().status == 201)
            }
        }
    }
}
