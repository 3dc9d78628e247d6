import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct StripeTests {
    private let now = Timestamp(microseconds: 1_763_800_000_000_000)

    private func outcome(
        _ body: String, _ settings: StripeSettings = StripeSettings(), acceptsTests: Bool = false
    ) -> WebhookReading.Outcome {
        StripeTranslation(settings: settings, acceptsTests: acceptsTests).read(
            ReceivedWebhook(headers: [:], body: Array(body.utf8), receivedAt: now)
        ).outcome
    }

    private func event(
        _ type: String, _ object: String, previous: String? = nil,
        _ settings: StripeSettings = StripeSettings()
    ) throws -> ToldEvent {
        let body = StripeSamples.event(type, object, previous: previous)
        guard case .event(let event) = outcome(body, settings) else {
            throw UnusableWebhook("", "no_event", "\(outcome(body, settings))")
        }
        return event
    }

    private func ignored(_ type: String, _ object: String) -> WebhookReading.Ignored? {
        guard case .ignored(let reason) = outcome(StripeSamples.event(type, object)) else {
            return nil
        }
        return reason
    }

    @Test func `a paid checkout is a purchase`() throws {
        let event = try event("checkout.session.completed", StripeSamples.session())
        #expect(event.type == "purchase_completed")
        #expect(event.eventID == "stripe:evt_1NG8Du2eZvKYlo2CUI79vXWy")
        #expect(event.subject == "pi_3MtwBwLkdIwHu7ix28a3tqPa")
        #expect(event.externalID == "cus_NeZwdNtLEOXuvB")
        #expect(event.traits["email"] == "jenny@example.com")
        #expect(event.properties["amount"] == ["units": "2198", "asset": "USD"])
        #expect(event.occurredAt == Timestamp("2025-11-21T09:00:00Z"))
    }

    @Test func `the client's own order, person and link are taken from metadata`() throws {
        let event = try event(
            "checkout.session.completed",
            StripeSamples.session(
                metadata: #"{"order_id":"1002","gv_participant":"person-7","gv_code":"BCDF2345"}"#,
                reference: #""clk_01h455vb4pex5vsknk084sn02q""#))
        #expect(event.subject == "1002")
        #expect(event.properties["order_id"] == "1002")
        #expect(event.externalID == "person-7")
        #expect(
            event.referral
                == ToldEvent.Referral(
                    clickID: "clk_01h455vb4pex5vsknk084sn02q", code: "BCDF2345"))
        let settings = StripeSettings(participant: [.clientReferenceID, .email])
        let named = try self.event(
            "checkout.session.completed", StripeSamples.session(reference: #""person-8""#),
            settings)
        #expect(named.externalID == "person-8")
    }

    @Test func `what is not paid yet, not live, or told by another topic is passed over`() {
        #expect(
            ignored("checkout.session.completed", StripeSamples.session(status: "unpaid"))
                == .notYet)
        #expect(
            ignored("invoice.paid", StripeSamples.invoice("subscription_create")) == .toldOtherwise)
        #expect(ignored("refund.created", "{}") == .toldOtherwise)
        #expect(ignored("customer.updated", "{}") == .unknownTopic)
        #expect(
            ignored(
                "customer.subscription.created", StripeSamples.subscription(status: "incomplete"))
                == .notYet)
        let test = StripeSamples.event(
            "checkout.session.completed", StripeSamples.session(), isLive: false)
        guard case .ignored(.testMode) = outcome(test),
            case .event = outcome(test, acceptsTests: true)
        else {
            Issue.record("test mode")
            return
        }
    }

    @Test func `an invoice of a running subscription is its renewal`() throws {
        let event = try event("invoice.paid", StripeSamples.invoice("subscription_cycle"))
        #expect(event.type == "subscription_renewed")
        #expect(event.subject == "in_1MtHbELkdIwHu7ixl4OzzPMv")
        #expect(event.externalID == "person-7")
        #expect(event.properties["subscription"] == "sub_1MowQVLkdIwHu7ixeRlqHVzs")
        #expect(event.properties["amount"] == ["units": "2000", "asset": "USD"])
    }

    @Test func `a refund tells the step, a dispute its payment`() throws {
        let refund = try event(
            "charge.refunded", StripeSamples.charge, previous: #"{"amount_refunded":100}"#)
        #expect(refund.type == "purchase_refunded")
        #expect(refund.subject == "pi_3MtwBwLkdIwHu7ix28a3tqPa")
        #expect(refund.properties["amount"] == ["units": "500", "asset": "USD"])
        #expect(refund.properties["refunded_in_all"] == ["units": "600", "asset": "USD"])
        let dispute = try event("charge.dispute.created", StripeSamples.dispute)
        #expect(dispute.type == "purchase_disputed")
        #expect(dispute.subject == "pi_3MtwBw")
        #expect(dispute.externalID == nil)
        #expect(dispute.properties["amount"] == ["units": "1000", "asset": "JPY"])
    }

    @Test func `a subscription starts, changes by its price, and ends`() throws {
        func type(
            _ topic: String, _ object: String = StripeSamples.subscription(),
            _ previous: String? = nil
        ) throws -> String {
            let event = try event("customer.subscription.\(topic)", object, previous: previous)
            #expect(event.subject == "sub_1MowQVLkdIwHu7ixeRlqHVzs")
            #expect(event.externalID == "person-7")
            return event.type
        }
        #expect(try type("created") == "subscription_started")
        #expect(try type("deleted") == "subscription_cancelled")
        let now = StripeSamples.subscription()
        #expect(try type("updated", now, #"{"status":"incomplete"}"#) == "subscription_started")
        #expect(
            try type("updated", now, "{\(StripeSamples.items(1000))}") == "subscription_upgraded")
        #expect(
            try type("updated", now, "{\(StripeSamples.items(1500, 2))}")
                == "subscription_downgraded")
        #expect(
            try type("updated", now, #"{"cancel_at_period_end":true}"#) == "subscription_updated")
    }

    @Test func `what is no event of Stripe is unusable`() {
        for body in ["[]", "{}", #"{"id":"evt_1","type":"invoice.paid","data":{"object":7}}"#] {
            guard case .unusable = outcome(body) else {
                Issue.record("\(body)")
                return
            }
        }
    }
}
