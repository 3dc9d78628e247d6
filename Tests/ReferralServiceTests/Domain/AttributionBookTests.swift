import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import ReferralService

@Suite struct AttributionBookTests {
    private let client = ClientID(UUID())
    private let start = Timestamp(microseconds: 1_800_000_000_000_000)

    /// A book that knows a link of each of these people.
    private func book(_ owners: [String], isOpen: Bool = true) throws -> AttributionBook {
        var book = AttributionBook()
        for owner in owners {
            let code = try #require(ReferralCode(self.code(of: owner)))
            book.linksByCode[CodeKey(clientID: client, code: code)] = KnownLink(
                linkID: LinkID(UUID()), clientID: client, campaignID: CampaignID(UUID()),
                referrerID: .named(owner, of: client), code: code.text, isOpen: isOpen)
        }
        return book
    }

    /// `a` has BBBBBBBB, and so on.
    private func code(of owner: String) -> String {
        let letters: [String: Character] = ["a": "B", "b": "C", "c": "D", "d": "F"]
        return String(repeating: letters[owner] ?? "Z", count: 8)
    }

    private func event(
        person: String? = nil, visitor: String? = nil, code: String? = nil, click: String? = nil,
        after seconds: Int = 0
    ) -> LogEvent {
        sampleEvent(
            of: client, person: person, visitor: visitor, click: click, code: code,
            occurredAt: start + .seconds(seconds))
    }

    private func key(_ name: String) -> PersonKey {
        PersonKey(clientID: client, participantID: .named(name, of: client))
    }

    private func pairs(_ book: AttributionBook) -> [[ParticipantID]] {
        book.attributions.map { [$0.touch.link.referrerID, $0.person.participantID] }
    }

    private func pair(_ referrer: String, _ person: String) -> [ParticipantID] {
        [.named(referrer, of: client), .named(person, of: client)]
    }

    @Test func `the first touch wins`() throws {
        var book = try book(["a", "c"])
        for owner in ["a", "c", "a"] {
            book.take(event(person: "b", code: code(of: owner)), businessOffset: .zero)
        }
        #expect(pairs(book) == [pair("a", "b")])
    }

    @Test func `a visitor's touch becomes the person's when they are the same`() throws {
        var book = try book(["a", "c"])
        book.take(event(visitor: "v", code: code(of: "a")), businessOffset: .zero)
        #expect(book.attributions.isEmpty, "nobody is known yet")
        book.take(event(visitor: "w", code: code(of: "c")), businessOffset: .zero)
        book.take(event(person: "b", visitor: "v", after: 60), businessOffset: .zero)
        book.take(event(person: "b", visitor: "w", after: 61), businessOffset: .zero)
        #expect(pairs(book) == [pair("a", "b")])
        #expect(book.attributions[0].touch.touchedAt == start)
        #expect(book.attributions[0].attributedAt == start + .seconds(60))
    }

    @Test func `a visitor's older touch comes before what the event itself says`() throws {
        var book = try book(["a", "c"])
        book.take(event(visitor: "v", code: code(of: "a")), businessOffset: .zero)
        book.take(event(person: "b", visitor: "v", code: code(of: "c")), businessOffset: .zero)
        #expect(pairs(book) == [pair("a", "b")])
    }

    @Test func `a click says when, a code by itself leaves it to the event`() throws {
        var book = try book(["a"])
        let link = try #require(book.linksByCode.values.first)
        let clickID = ClickID(UUID())
        book.clicks[ClickKey(clientID: client, clickID: clickID)] = (link, start - .seconds(500))
        book.take(event(person: "b", click: clickID.description), businessOffset: .seconds(9))
        book.take(event(person: "c", code: code(of: "a")), businessOffset: .seconds(9))
        #expect(
            book.attributions.map(\.touch.touchedAt) == [
                start - .seconds(500), start + .seconds(9),
            ])
        #expect(book.attributions.map(\.touch.clickID) == [clickID, nil])
    }

    @Test func `a click that is not the client's leaves it to the code`() throws {
        var book = try book(["a"])
        book.take(
            event(person: "b", code: code(of: "a"), click: ClickID(UUID()).description),
            businessOffset: .zero)
        book.take(event(person: "c", click: ClickID(UUID()).description), businessOffset: .zero)
        #expect(pairs(book) == [pair("a", "b")])
    }

    @Test func `a code of a campaign that is not running counts for nothing`() throws {
        var book = try book(["a"], isOpen: false)
        book.take(event(person: "b", visitor: "v", code: code(of: "a")), businessOffset: .zero)
        #expect(book.attributions.isEmpty && book.newVisitorTouches.isEmpty)
    }

    @Test func `one's own link is remembered and does not stand in the way of another's`() throws {
        var book = try book(["a", "c"])
        book.take(event(person: "a", code: code(of: "a")), businessOffset: .zero)
        #expect(book.personTouches[key("a")]?.refusal == .selfReferral)
        #expect(book.attributions.isEmpty)
        book.take(event(person: "a", code: code(of: "c")), businessOffset: .zero)
        #expect(book.personTouches[key("a")]?.refusal == nil)
        #expect(pairs(book) == [pair("c", "a")])
    }

    @Test func `who was brought does not bring the one who brought them`() throws {
        var book = try book(["a", "b", "c"])
        book.take(event(person: "b", code: code(of: "a")), businessOffset: .zero)
        book.take(event(person: "a", code: code(of: "b")), businessOffset: .zero)
        #expect(book.personTouches[key("a")]?.refusal == .circular)
        book.take(event(person: "c", code: code(of: "b")), businessOffset: .zero)
        book.take(event(person: "a", code: code(of: "c")), businessOffset: .zero)
        #expect(book.personTouches[key("a")]?.refusal == .circular)
        #expect(pairs(book) == [pair("a", "b"), pair("b", "c")])
    }

    @Test func `a chain that is too long to be followed is refused`() throws {
        var book = try book(["a"])
        for number in 0...AttributionBook.chainLimit {
            let lower = number == 0 ? "a" : "n\(number)"
            book.referrers[key(lower)] = .named("n\(number + 1)", of: client)
        }
        book.take(event(person: "b", code: code(of: "a")), businessOffset: .zero)
        #expect(book.personTouches[key("b")]?.refusal == .circular)
    }

    @Test func `a visitor id that many people use says nothing about any of them`() throws {
        var book = try book(["a"])
        book.take(event(visitor: "kiosk", code: code(of: "a")), businessOffset: .zero)
        for number in 1...20 {
            book.take(event(person: "p\(number)", visitor: "kiosk"), businessOffset: .zero)
        }
        #expect(book.attributions.count == AttributionBook.usersLimit)
        #expect(book.newUsers.count == AttributionBook.usersLimit + 1)
    }

    @Test func `a code of one client means nothing to another`() throws {
        var book = try book(["a"])
        let stranger = ClientID(UUID())
        book.take(
            sampleEvent(of: stranger, person: "b", code: code(of: "a")), businessOffset: .zero)
        #expect(book.attributions.isEmpty)
    }

    @Test func `a claim is read beside the properties and in those of a visit`() {
        #expect(ReferralClaim(event(person: "b", code: "bbbbbbbb"))?.code?.text == "BBBBBBBB")
        let told: JSONValue = ["code": "BBBBBBBB", "click_id": 7]
        for (type, isRead) in [
            ("referral_clicked", true), ("referral_visit", true), ("page_viewed", false),
        ] {
            let event = sampleEvent(type, of: client, person: "b", properties: told)
            #expect((ReferralClaim(event) != nil) == isRead)
        }
        for context: JSONValue in [
            [:], ["referral": "BBBBBBBB"], ["referral": ["code": 8]], ["referral": ["code": "x"]],
            ["referral": ["click_id": "clk_1"]], ["referral": []],
        ] {
            let event = LogEvent(
                position: LogPosition(shard: 0, position: 1), eventID: "e", type: "t",
                clientID: client, occurredAt: start, receivedAt: start, trust: .browser,
                properties: [:], context: context)
            #expect(ReferralClaim(event) == nil)
        }
    }
}
