import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct PropertySchemaTests {
    private func schema(_ text: String) throws -> PropertySchema {
        try PropertySchema(ofProperties: try JSONCoding.parse(Array(text.utf8)))
    }

    /// Where a value does not fit; nil when it does.
    private func misfit(_ value: String, _ schema: PropertySchema) throws -> String? {
        let slice = try JSONSlice(parsing: Array(value.utf8))
        do throws(PropertySchema.Misfit) {
            try schema.check(slice)
            return nil
        } catch {
            return error.pointer
        }
    }

    private static let review = """
        {"type":"object","required":["stars"],"properties":{
        "stars":{"type":"integer","minimum":1,"maximum":5},
        "text":{"type":["string","null"],"maxLength":5},
        "kind":{"enum":["short","long"]},
        "at":{"type":"string","format":"date-time"},
        "tags":{"type":"array","items":{"type":"string"}},
        "shop/of":{"type":"object","additionalProperties":false,"required":["id"],
        "properties":{"id":{"type":"string","format":"units"},"open":{"type":"boolean"}}}}}
        """

    @Test(arguments: [
        (#"{"stars":5}"#, nil), (#"{"stars":1.0,"more":[{}]}"#, nil), (#"{}"#, "/stars"),
        (#"{"stars":0}"#, "/stars"), (#"{"stars":6}"#, "/stars"), (#"{"stars":2.5}"#, "/stars"),
        (#"{"stars":1e400}"#, "/stars"), (#"{"stars":"5"}"#, "/stars"),
        (#"{"stars":5,"text":null}"#, nil), (#"{"stars":5,"text":"😀😀😀😀😀"}"#, nil),
        (#"{"stars":5,"text":"123456"}"#, "/text"), (#"{"stars":5,"kind":"short"}"#, nil),
        (#"{"stars":5,"kind":"middle"}"#, "/kind"), (#"{"stars":5,"kind":7}"#, "/kind"),
        (#"{"stars":5,"kind":null}"#, "/kind"),
        (#"{"stars":5,"at":"2026-01-31T09:30:00Z"}"#, nil), (#"{"stars":5,"at":"now"}"#, "/at"),
        (#"{"stars":5,"tags":["a","b"]}"#, nil), (#"{"stars":5,"tags":["a",1]}"#, "/tags/1"),
        (#"{"stars":5,"shop/of":{"id":"12"}}"#, nil),
        (#"{"stars":5,"shop/of":{"id":"-12"}}"#, "/shop~1of/id"),
        (#"{"stars":5,"shop/of":{"id":"1","x":1}}"#, "/shop~1of/x"),
        (#"{"stars":5,"shop/of":{"open":true}}"#, "/shop~1of/id"),
        (#"{"stars":5,"shop/of":[]}"#, "/shop~1of"), ("[]", ""),
    ])
    func `a value is held against a schema, and the place of the misfit told`(
        _ value: String, _ pointer: String?
    ) throws {
        let found = try misfit(value, try schema(Self.review))
        #expect(found == pointer)
    }

    @Test func `no properties at all lack the first that is required`() throws {
        let error = #expect(throws: PropertySchema.Misfit.self) {
            try schema(Self.review).check(nil)
        }
        #expect(error?.pointer == "/stars")
    }

    @Test(arguments: [
        (#"{"type":"string"}"#, "/schema/type"), (#"{}"#, "/schema/type"), ("[]", "/schema"),
        (#"{"type":"object","pattern":"x"}"#, "/schema/pattern"),
        (##"{"type":"object","properties":{"a":{"$ref":"#"}}}"##, "/schema/properties/a/$ref"),
        (
            #"{"type":"object","properties":{"a/b":{"type":"text"}}}"#,
            "/schema/properties/a~1b/type"
        ),
        (#"{"type":"object","properties":{"a":{"type":[]}}}"#, "/schema/properties/a/type"),
        (#"{"type":"object","properties":{"":{}}}"#, "/schema/properties/"),
        (#"{"type":"object","properties":[]}"#, "/schema/properties"),
        (#"{"type":"object","required":["a","a"]}"#, "/schema/required"),
        (#"{"type":"object","required":"a"}"#, "/schema/required"),
        (#"{"type":"object","additionalProperties":{}}"#, "/schema/additionalProperties"),
        (#"{"type":"object","properties":{"a":{"enum":[]}}}"#, "/schema/properties/a/enum"),
        (#"{"type":"object","properties":{"a":{"enum":[1]}}}"#, "/schema/properties/a/enum"),
        (
            #"{"type":"object","properties":{"a":{"minimum":2,"maximum":1}}}"#,
            "/schema/properties/a/maximum"
        ),
        (#"{"type":"object","properties":{"a":{"minimum":1.5}}}"#, "/schema/properties/a/minimum"),
        (
            #"{"type":"object","properties":{"a":{"maximum":99999999999999999999}}}"#,
            "/schema/properties/a/maximum"
        ),
        (
            #"{"type":"object","properties":{"a":{"maxLength":-1}}}"#,
            "/schema/properties/a/maxLength"
        ),
        (
            #"{"type":"object","properties":{"a":{"format":"email"}}}"#,
            "/schema/properties/a/format"
        ),
        (#"{"type":"object","description":7}"#, "/schema/description"),
    ])
    func `what no schema may say is refused with its place`(
        _ text: String, _ pointer: String
    ) throws {
        let problem = #expect(throws: Problem.self) { try schema(text) }
        #expect(problem?.status == 400)
        #expect(problem?.errors.first?.pointer == pointer)
    }

    @Test func `a schema is bounded in size, depth and names`() throws {
        func nested(_ levels: Int) -> String {
            (1..<levels).reduce(#"{"type":"object"}"#) { inner, _ in
                #"{"type":"object","properties":{"a":\#(inner)}}"#
            }
        }
        _ = try schema(nested(PropertySchema.maximumDepth))
        #expect(throws: Problem.self) { try schema(nested(PropertySchema.maximumDepth + 1)) }
        func wide(_ names: Int, _ more: String = "") -> String {
            let members = (0..<names).map { #""p\#($0)":{\#(more)}"# }.joined(separator: ",")
            return #"{"type":"object","properties":{\#(members)}}"#
        }
        _ = try schema(wide(PropertySchema.maximumNames))
        #expect(throws: Problem.self) { try schema(wide(PropertySchema.maximumNames + 1)) }
        let text = String(repeating: "x", count: 450)
        #expect(throws: Problem.self) { try schema(wide(50, #""description":"\#(text)""#)) }
    }

    @Test func `the catalogue has the types of the product's description, each once`() {
        let names = EventCatalogue.installed.entries.map(\.name)
        #expect(names.count >= 40)
        #expect(Set(names).count == names.count)
        #expect(names == names.sorted())
        for name in [
            "user_signed_up", "user_reactivated", "subscription_ending_soon", "referral_shared",
            "referral_shared_whatsapp", "referred_made_purchase", "widget_interacted",
            "survey_completed", "feature_adopted", "purchase_refunded", "webinar_attended",
            "switchup_data_imported", "tutorial_completed", "support_ticket_created",
            // What our own clients, other people's and the shops send.
            "page_viewed", "user_identified", "page", "identify", "order_placed", "invoice_paid",
        ] {
            #expect(EventCatalogue.installed.schema(of: name) != nil, "\(name)")
        }
    }

    private func event(_ type: String, _ properties: String) throws -> IncomingEvent {
        let text =
            #"{"event":"\#(type)","event_id":"e","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"p","properties":\#(properties)}"#
        return try IncomingEvent(
            try JSONSlice(parsing: Array(text.utf8)),
            SenderClock(receivedAt: Timestamp(microseconds: 1_800_000_000_000_000)))
    }

    @Test(arguments: [
        (#"{"amount":{"units":"4999","asset":"USD"},"order_id":7,"new":[1]}"#, nil),
        (#"{}"#, nil), (#"{"products":null,"revenue":"25.50"}"#, nil),
        (#"{"amount":49.99}"#, "/properties/amount"),
        (#"{"amount":{"units":4999,"asset":"USD"}}"#, "/properties/amount/units"),
        (#"{"amount":{"units":"49.99","asset":"USD"}}"#, "/properties/amount/units"),
        (#"{"amount":{"units":"4999"}}"#, "/properties/amount/asset"),
        (#"{"order_id":{}}"#, "/properties/order_id"),
    ])
    func `of a purchase the money is checked strictly and the rest by its types`(
        _ properties: String, _ pointer: String?
    ) throws {
        let event = try event("purchase_completed", properties)
        func rejection(isNative: Bool) -> EventRejection? {
            do throws(EventRejection) {
                try ClientCatalogue().check(event, isNative: isNative)
                return nil
            } catch {
                return error
            }
        }
        #expect(rejection(isNative: true)?.pointer == pointer)
        #expect(rejection(isNative: true)?.code == (pointer == nil ? nil : "property_invalid"))
        #expect(rejection(isNative: false) == nil, "other tools mean other things by these names")
    }

    @Test func `a client's own types are checked in every front, unknown ones as it chose`() throws
    {
        var catalogue = ClientCatalogue(schemas: ["review_written": try schema(Self.review)])
        try catalogue.check(try event("review_written", #"{"stars":5}"#), isNative: false)
        #expect(throws: EventRejection.self) {
            try catalogue.check(try event("review_written", "{}"), isNative: false)
        }
        let unknown = try event("never_heard_of", "{}")
        try catalogue.check(unknown, isNative: true)
        catalogue.unknown = .refuse
        let rejection = #expect(throws: EventRejection.self) {
            try catalogue.check(unknown, isNative: true)
        }
        #expect(rejection?.code == "event_type_unknown")
        try catalogue.check(try event("page_viewed", "{}"), isNative: true)
    }
}
