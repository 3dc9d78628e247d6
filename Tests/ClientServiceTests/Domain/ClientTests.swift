import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import ClientService

@Suite struct ClientTests {
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)

    private func client(
        _ status: ClientStatus = .active, mode: ClientMode = .test, offset: Int64 = 0
    ) -> Client {
        Client(
            clientID: ClientID(UUID()), name: "Shop", mode: mode, status: status,
            businessClockOffsetMilliseconds: offset, createdAt: now, updatedAt: now)
    }

    @Test(arguments: [
        (ClientStatus.active, ClientStatus.suspended, true), (.suspended, .active, true),
        (.active, .closed, true), (.suspended, .closed, true), (.closed, .active, false),
        (.closed, .suspended, false),
    ])
    func `a client is suspended and taken back, and closed for good`(
        _ from: ClientStatus, _ to: ClientStatus, _ isPossible: Bool
    ) throws {
        let old = client(from)
        guard isPossible else {
            #expect(throws: ClientFailure.illegalTransition(from: from, to: to)) {
                try old.with(status: to, at: now)
            }
            return
        }
        let new = try old.with(status: to, at: now)
        #expect(new.status == to)
        #expect(new.version == old.version + 1)
        #expect(new.messageID != old.messageID)
    }

    @Test(arguments: ClientStatus.allCases)
    func `the status that it has already changes nothing`(_ status: ClientStatus) throws {
        let client = client(status)
        #expect(try client.with(status: status, at: now + .seconds(1)) == client)
    }

    @Test func `only a test client's clock moves, and only forward`() throws {
        #expect(throws: ClientFailure.notInTestMode) {
            try client(mode: .live).with(clockOffsetMilliseconds: 1, at: now)
        }
        #expect(throws: ClientFailure.clockGoesBack(from: 5)) {
            try client(offset: 5).with(clockOffsetMilliseconds: 4, at: now)
        }
        #expect(throws: ClientFailure.closed) {
            try client(.closed).with(clockOffsetMilliseconds: 4, at: now)
        }
        let moved = try client(offset: 5).with(clockOffsetMilliseconds: 2000, at: now)
        #expect(moved.businessTime(at: now) == now + .seconds(2))
    }

    @Test(arguments: [
        ("https://shop.example", true), ("http://localhost:3000", true), ("https://a-b.c.d", true),
        ("https://shop.example/", false), ("https://shop.example/path", false), ("*", false),
        ("shop.example", false), ("https://", false), ("https://a..b", false), ("null", false),
        ("https://user@shop.example", false), ("https://shop.example:0", false),
        ("https://shop.example:99999", false), ("ftp://shop.example", false),
        ("https://shöp.example", false), ("https://a b", false), ("https://x:", false),
    ])
    func `an origin is what a browser would send`(_ text: String, _ isValid: Bool) {
        #expect(NewKey.isOrigin(text) == isValid)
    }

    @Test func `a credential gives no more than it has`() throws {
        func key(_ scopes: String) throws -> NewKey {
            try JSONCoding.decode(
                NewKey.self,
                from: Array(#"{"kind":"secret","name":"k","scopes":\#(scopes)}"#.utf8),
                strictness: .strict)
        }
        #expect(try key("[]").isWithin([]))
        #expect(try key(#"["keys"]"#).isWithin([]))
        #expect(try key(#"["keys"]"#).isWithin(["keys", "x"]))
        #expect(try !key(#"["keys","y"]"#).isWithin(["keys", "x"]))
        #expect(try !key("[]").isWithin(["keys"]), "no scopes means all of them")
    }
}
