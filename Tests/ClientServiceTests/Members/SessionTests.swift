import Contracts
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import ClientService

/// Members sign in, stay signed in and sign out.
extension SignInTests {
    @Suite(.timeLimit(.minutes(5))) struct SessionTests {
        @Test func `a member signs in and calls the portal as the member`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                let memberID = try await harness.makeMember(of: client.id)
                let browser = try await harness.browser("  ADA@Shop.Example ")
                #expect(browser.memberID == memberID)
                #expect(browser.body["client"]?["client_id"]?.string == client.id.description)
                #expect(browser.body["member"]?["password_hash"] == nil)
                let own = try await harness.portal(.get, "/client", as: browser.token)
                #expect(own.status == 200)
                #expect(own.body["client_id"]?.string == client.id.description)
                let key = try await harness.portal(
                    .post, "/keys", ["kind": "publishable", "name": "web"], as: browser.token)
                #expect(key.status == 201)
                #expect(key.body["created_by"]?.string == memberID)
            }
        }

        @Test func `the refresh cookie is out of reach of scripts and of other sites`() async throws
        {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let cookie = try #require(try await harness.signIn().headers["Set-Cookie"])
                for wanted in ["gv_refresh=gvr_", "HttpOnly", "SameSite=Strict", "Path=/auth"] {
                    #expect(cookie.contains(wanted))
                }
                #expect(!cookie.contains("Secure"))
                #expect(try await harness.signIn().headers["Cache-Control"] == "no-store")
            }
            let configuration = ClientConfiguration(
                memberKey: .generate(), publicURL: "https://grapevine.example")
            try await ClientHarness.run(configuration: configuration) { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let cookie = try #require(try await harness.signIn().headers["Set-Cookie"])
                #expect(cookie.hasSuffix("; Secure"))
            }
        }

        @Test func `unknown address, wrong password and wrong client are answered alike`()
            async throws
        {
            try await ClientHarness.run { harness in
                let (first, second) = (
                    try await harness.makeClient(), try await harness.makeClient()
                )
                _ = try await harness.makeMember(of: first.id)
                let answers = [
                    try await harness.signIn("nobody@shop.example"),
                    try await harness.signIn(ClientHarness.email, "wrong horse battery"),
                    try await harness.signIn(client: second.id),
                    try await harness.signIn("no address"),
                ]
                let problems = try answers.map {
                    #expect($0.status == 401)
                    #expect($0.headers["Set-Cookie"] == nil)
                    return ClientHarness.comparable(try JSONCoding.parse($0.body))
                }
                #expect(Set(problems).count == 1)
                #expect(!PasswordHash.needsRehash(SignIn.nobodysHash))
            }
        }

        @Test func `who is a member of several clients names one of them`() async throws {
            try await ClientHarness.run { harness in
                let (first, second) = (
                    try await harness.makeClient(), try await harness.makeClient()
                )
                _ = try await harness.makeMember(of: first.id)
                let other = try await harness.makeMember(
                    of: second.id, password: "another horse battery")
                #expect(try await harness.signIn().status == 401)
                #expect(try await harness.browser(client: first.id).body["client"] != nil)
                let browser = try await harness.browser(
                    ClientHarness.email, "another horse battery", client: second.id)
                #expect(browser.memberID == other)
                let own = try await harness.portal(.get, "/client", as: browser.token)
                #expect(own.body["client_id"]?.string == second.id.description)
            }
        }

        @Test func `a refresh token counts once and gives the next`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let first = try await harness.browser()
                let second = try ClientHarness.browser(
                    try await harness.refresh(first.cookie), status: 200)
                #expect(second.cookie != first.cookie)
                let third = try ClientHarness.browser(
                    try await harness.refresh(second.cookie), status: 200)
                #expect(
                    try await harness.portal(.get, "/client", as: third.token).status == 200)
            }
        }

        @Test func `a used refresh token that comes back ends the session of everybody`()
            async throws
        {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let stolen = try await harness.browser()
                let current = try ClientHarness.browser(
                    try await harness.refresh(stolen.cookie), status: 200)
                let reuse = try await harness.refresh(stolen.cookie)
                #expect(reuse.status == 401)
                #expect(ClientHarness.code(reuse) == "session_ended")
                #expect(reuse.headers["Set-Cookie"]?.contains("Max-Age=0") == true)
                #expect(try await harness.refresh(current.cookie).status == 401)
                // The tokens that the session gave out stop too, not only its refresh tokens.
                #expect(
                    try await harness.portal(.get, "/client", as: current.token).status == 401)
                #expect(harness.log.messages.contains { $0.type == ClientMessage.sessionEnded })
                let audit = try await harness.staff(.get, "/audit?client_id=\(client.id)")
                let details = audit.body["data"]?.array?.compactMap { $0["detail"]?.string } ?? []
                #expect(details.contains("reused"))
            }
        }

        @Test func `of two refreshes with one token at the same time one at most succeeds`()
            async throws
        {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let browser = try await harness.browser()
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<8 {
                        group.addTask { try await harness.refresh(browser.cookie).status }
                    }
                    return try await group.reduce(into: [Int]()) { $0.append($1) }
                }
                #expect(statuses.filter { $0 == 200 }.count == 1)
                #expect(statuses.filter { $0 == 401 }.count == 7)
            }
        }

        @Test func `signing out ends the session and its tokens at once`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let browser = try await harness.browser()
                let other = try await harness.browser()
                let answer = try await harness.signOut(browser.cookie)
                #expect(answer.status == 204)
                #expect(answer.headers["Set-Cookie"]?.contains("Max-Age=0") == true)
                #expect(try await harness.refresh(browser.cookie).status == 401)
                #expect(
                    try await harness.portal(.get, "/client", as: browser.token).status == 401)
                #expect(try await harness.portal(.get, "/client", as: other.token).status == 200)
                #expect(try await harness.signOut(browser.cookie).status == 204)
            }
        }

        @Test func `sessions end when they are idle or old, however often they are refreshed`()
            async throws
        {
            let clock = TestClock()
            try await ClientHarness.run(clock: clock) { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let idle = try await harness.browser()
                var busy = try await harness.browser()
                for _ in 0..<4 {
                    clock.advance(by: .seconds(6 * 86_400))
                    busy = try ClientHarness.browser(
                        try await harness.refresh(busy.cookie), status: 200)
                }
                #expect(try await harness.refresh(idle.cookie).status == 401)
                clock.advance(by: .seconds(6 * 86_400 + 1))
                #expect(try await harness.refresh(busy.cookie).status == 401)
            }
        }

        @Test func `a page of another site can neither sign anybody in nor use the cookie`()
            async throws
        {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                _ = try await harness.makeMember(of: client.id)
                let browser = try await harness.browser()
                let foreign: [HTTPHeaders] = [
                    ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"],
                    ["Origin": "https://evil.example"], ["Origin": "null"],
                    ["Origin": "https://127.0.0.1.evil.example"],
                ]
                for headers in foreign {
                    let refused = try await harness.refresh(browser.cookie, headers: headers)
                    #expect(refused.status == 403)
                    #expect(ClientHarness.code(refused) == "cross_site")
                    #expect(try await harness.signIn(headers: headers).status == 403)
                }
                // What a form can send without asking the browser first.
                let form = try await harness.signIn(headers: ["Content-Type": "text/plain"])
                #expect(form.status == 415)
                let own: HTTPHeaders = [
                    "Sec-Fetch-Site": "same-origin", "Origin": harness.service.url,
                ]
                #expect(try await harness.refresh(browser.cookie, headers: own).status == 200)
            }
        }

        @Test func `tables hold neither passwords nor refresh tokens`() async throws {
            try await ClientHarness.run { harness in
                let client = try await harness.makeClient()
                let made = try await harness.staff(
                    .post, "/clients/\(client.id)/members",
                    [
                        "email": .string(ClientHarness.email), "name": "Ada", "role": "owner",
                        "password": .string(ClientHarness.password),
                    ], key: "create-ada")
                #expect(made.status == 201)
                let browser = try await harness.browser()
                let secret = browser.cookie.dropFirst("gv_refresh=".count)
                for table in ["member", "member_session", "refresh_token", "idempotency_key"] {
                    let rows = try await harness.postgres.query(
                        "select t::text as text from \(identifier: table) as t")
                    for row in rows {
                        let text: String = try row.get("text")
                        #expect(!text.contains(ClientHarness.password))
                        #expect(!text.contains(secret))
                    }
                }
            }
        }
    }
}
