import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct ShopifyTests {
    private let now = Timestamp(microseconds: 1_763_800_000_000_000)

    private func read(
        _ topic: String, _ body: String, _ settings: ShopifySettings = ShopifySettings(),
        event: String? = "e-1", acceptsTests: Bool = false
    ) -> WebhookReading.Outcome {
        var headers: HTTPHeaders = [
            "X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": "w-1",
            "X-Shopify-Shop-Domain": "example.myshopify.com",
        ]
        headers["X-Shopify-Event-Id"] = event
        return ShopifyTranslation(settings: settings, acceptsTests: acceptsTests).read(
            ReceivedWebhook(headers: headers, body: Array(body.utf8), receivedAt: now)
        ).outcome
    }

    private func event(
        _ topic: String, _ body: String, _ settings: ShopifySettings = ShopifySettings()
    ) throws -> ToldEvent {
        guard case .event(let event) = read(topic, body, settings) else {
            throw UnusableWebhook("", "no_event", "\(read(topic, body, settings))")
        }
        return event
    }

    @Test func `a paid order is a purchase of its customer, with the order as its subject`() throws
    {
        let event = try event("orders/paid", ShopifySamples.order())
        #expect(event.type == "purchase_completed")
        #expect(event.subject == "820982911946154508")
        #expect(event.eventID == "shopify:orders/paid:820982911946154508:e-1")
        #expect(event.externalID == "115310627314723954")
        #expect(event.traits["email"] == "jon@example.com")
        #expect(event.properties["amount"] == ["units": "40300", "asset": "USD"])
        #expect(event.properties["discount"] == ["units": "1000", "asset": "USD"])
        #expect(event.properties["order_id"] == "820982911946154508")
        #expect(event.properties["order_name"] == "#9999")
        #expect(event.properties["discount_codes"] == ["TENOFF"])
        #expect(event.properties["items"]?.array?.count == 2)
        #expect(
            event.properties["items"]?.array?.last
                == ["quantity": 2, "amount": ["units": "10200", "asset": "USD"]])
        #expect(event.occurredAt == Timestamp("2026-11-20T15:00:00Z"))
    }

    @Test func `the link is known from the cart, or else from where the visit began`() throws {
        let landing = try event("orders/paid", ShopifySamples.order())
        #expect(
            landing.referral
                == ToldEvent.Referral(
                    clickID: "clk_01h455vb4pex5vsknk084sn02q", code: "BCDF2345"))
        let cart = try event(
            "orders/paid",
            ShopifySamples.order().replacing(
                #""note_attributes":[]"#,
                with: #""note_attributes":[{"name":"gv_code","value":"ZZZZ2222"}]"#))
        #expect(cart.referral.code == "ZZZZ2222")
    }

    @Test func `a person is known by what the source says, the first that is there`() throws {
        let order = ShopifySamples.order().replacing(
            #""note_attributes":[]"#,
            with: #""note_attributes":[{"name":"gv_participant","value":"person-7"}]"#)
        func person(_ places: [ShopifySettings.Identity]) throws -> String? {
            try event("orders/paid", order, ShopifySettings(participant: places)).externalID
        }
        #expect(try person([.email]) == "jon@example.com")
        #expect(try person([.noteAttribute, .email]) == "person-7")
        let guest = ShopifySamples.order().replacing(#""id":115310627314723954,"#, with: "")
        #expect(try event("orders/paid", guest).externalID == "jon@example.com")
    }

    @Test func `the body must bear out the topic, which nobody signed`() {
        guard
            case .unusable(let unpaid) = read(
                "orders/paid", ShopifySamples.order(status: "pending")),
            case .unusable(let running) = read("orders/cancelled", ShopifySamples.order()),
            case .unusable(let order) = read("customers/create", ShopifySamples.order()),
            case .unusable = read("refunds/create", ShopifySamples.order())
        else {
            Issue.record("a topic was believed")
            return
        }
        #expect(
            [unpaid, running, order].map { $0.first?.code }
                == Array(repeating: "topic_mismatch", count: 3))
    }

    @Test func `other topics have events of their own`() throws {
        let placed = try event("orders/create", ShopifySamples.order(status: "pending"))
        #expect(placed.type == "order_placed")
        let cancelled = try event(
            "orders/cancelled",
            ShopifySamples.order().replacing(
                #""cancelled_at":null"#, with: #""cancelled_at":"2026-11-20T16:00:00Z""#))
        #expect(cancelled.type == "purchase_cancelled")
        #expect(cancelled.subject == placed.subject)
        let refund = try event("refunds/create", ShopifySamples.refund)
        #expect(refund.type == "purchase_refunded")
        #expect(refund.subject == placed.subject)
        #expect(refund.properties["amount"] == ["units": "20950", "asset": "USD"])
        #expect(refund.externalID == nil)
        let customer = try event("customers/create", ShopifySamples.customer)
        #expect(customer.type == "user_signed_up")
        #expect(customer.externalID == "706405506930370084")
        #expect(customer.traits["first_name"] == "Bob")
    }

    @Test func `privacy topics are told to an operator and are nobody's doing`() throws {
        let request = try event("customers/data_request", ShopifySamples.dataRequest)
        #expect(request.type == "privacy_data_requested")
        #expect(request.subject == "9999")
        #expect(request.properties["external_id"] == "191167")
        #expect(request.properties["orders"] == ["299938", "280263"])
        let redact = try event("customers/redact", ShopifySamples.customerRedact)
        #expect(redact.type == "privacy_erasure_requested")
        let shop = try event("shop/redact", ShopifySamples.shopRedact)
        #expect(shop.type == "privacy_shop_erasure_requested")
        #expect([request, redact, shop].allSatisfy { $0.externalID == nil && $0.traits.isEmpty })
    }

    @Test func `unknown topics and a live client's test orders are passed over`() {
        if case .ignored(.unknownTopic) = read("products/update", "{}") {
        } else {
            Issue.record("an unknown topic")
        }
        let test = ShopifySamples.order().replacing(#""test":false"#, with: #""test":true"#)
        if case .ignored(.testMode) = read("orders/paid", test) {
        } else {
            Issue.record("a test order")
        }
        if case .event = read("orders/paid", test, acceptsTests: true) {
        } else {
            Issue.record("a test client")
        }
    }

    @Test func `another shop, a body without an id and broken JSON are unusable`() {
        for body in [#"{"line_items":[]}"#, "[]", "{", "", #"{"id":{}}"#] {
            guard case .unusable = read("orders/paid", body) else {
                Issue.record("\(body)")
                return
            }
        }
        let shop = ShopifySettings(shopDomain: "other.myshopify.com")
        guard case .unusable(let problems) = read("orders/paid", ShopifySamples.order(), shop)
        else {
            Issue.record("another shop")
            return
        }
        #expect(problems.first?.code == "other_shop")
        #expect(ShopifySettings(shopDomain: "https://x").problems.count == 1)
    }

    @Test func `an amount that is no whole number of units is passed on and not counted with`()
        throws
    {
        let odd = try event("orders/paid", ShopifySamples.order(total: "403.005"))
        #expect(odd.properties["amount"] == nil)
        #expect(odd.properties["amount_as_told"] == ["value": "403.005", "currency": "USD"])
        let yen = try event("orders/paid", ShopifySamples.order(total: "1200", currency: "JPY"))
        #expect(yen.properties["amount"] == ["units": "1200", "asset": "JPY"])
    }

    @Test func `one thing told under two webhook ids is one event, another order another`() throws {
        let one = try event("orders/paid", ShopifySamples.order())
        let other = try event("orders/paid", ShopifySamples.order(id: "1"))
        #expect(one.eventID != other.eventID)
        guard case .event(let old) = read("orders/paid", ShopifySamples.order(), event: nil) else {
            Issue.record("no event id")
            return
        }
        #expect(old.eventID == "shopify:orders/paid:820982911946154508:w-1")
        #expect(WebhookEventID.make(["a", String(repeating: "x", count: 200)]).count == 66)
    }
}
