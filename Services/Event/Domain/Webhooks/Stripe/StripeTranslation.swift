import Kernel

/// Stripe's events as ours.
struct StripeTranslation: Sendable {
    let settings: StripeSettings
    let acceptsTests: Bool

    func read(_ webhook: ReceivedWebhook) -> WebhookReading {
        var topic = ""
        let reading = WebhookReading.make(topic: topic, of: webhook) {
            body throws(UnusableWebhook) in
            topic = body["type"]?.string ?? ""
            return try outcome(of: topic, body, webhook)
        }
        return WebhookReading(topic: topic, reading.outcome)
    }

    private func outcome(
        of topic: String, _ body: JSONValue, _ webhook: ReceivedWebhook
    ) throws(UnusableWebhook) -> WebhookReading.Outcome {
        guard let object = body["data"]?["object"], object.object != nil else {
            throw UnusableWebhook("/data/object", "required", "It is not an event of Stripe.")
        }
        guard let id = body["id"]?.identifier else {
            throw UnusableWebhook("/id", "required", "The event has no id.")
        }
        guard let verdict = verdict(topic, object, body["data"]?["previous_attributes"]) else {
            return .ignored(.unknownTopic)
        }
        if body["livemode"]?.bool != true, !acceptsTests { return .ignored(.testMode) }
        switch verdict {
        case .ignored(let reason): return .ignored(reason)
        case .told(let type, let subject, var properties, let amount):
            guard let subject else {
                throw UnusableWebhook("/data/object/id", "required", "It has no id.")
            }
            var event = ToldEvent(
                type: type, eventID: WebhookEventID.make(["stripe", id]),
                occurredAt: body["created"]?.time ?? webhook.receivedAt)
            event.subject = subject
            event.externalID = externalID(of: object)
            event.traits.set("email", Self.email(of: object))
            event.referral = Self.referral(of: object)
            if let amount { properties["amount"] = amount.document }
            for name in Self.references {
                properties.set(name, Self.reference(object[name]))
            }
            properties.set("stripe_id", object["id"]?.identifier)
            event.properties = properties
            return .event(event)
        }
    }

    /// Ids of other things, kept so that payments, refunds and disputes can be told together.
    private static let references = [
        "customer", "payment_intent", "invoice", "subscription", "charge",
    ]

    /// What a topic comes to.
    enum Verdict {
        case told(String, subject: String?, [String: JSONValue], Amount?)
        case ignored(WebhookReading.Ignored)
    }

    private func verdict(
        _ topic: String, _ object: JSONValue, _ previous: JSONValue?
    ) -> Verdict? {
        switch topic {
        case "checkout.session.completed", "checkout.session.async_payment_succeeded":
            checkout(object)
        case "invoice.paid": invoice(object)
        case "charge.refunded": refund(object, previous)
        case "refund.created", "charge.refund.updated", "refund.updated":
            .ignored(.toldOtherwise)
        case "charge.dispute.created": dispute(object)
        case "customer.subscription.created", "customer.subscription.updated",
            "customer.subscription.deleted":
            subscription(topic, object, previous)
        default: nil
        }
    }

    // MARK: - Payments

    private func checkout(_ session: JSONValue) -> Verdict {
        let status = session["payment_status"]?.string
        guard status == "paid" || status == "no_payment_required",
            session["mode"]?.string != "setup"
        else { return .ignored(.notYet) }
        let order = Self.order(of: session)
        let subject =
            order ?? Self.reference(session["payment_intent"])
            ?? Self.reference(session["invoice"]) ?? session["id"]?.identifier
        var properties: [String: JSONValue] = [:]
        properties.set("order_id", subject)
        properties.set("mode", session["mode"]?.text())
        return .told(
            "purchase_completed", subject: subject, properties,
            StripeMoney.read(session["amount_total"], session["currency"]))
    }

    /// The first invoice of a subscription is told by the checkout and by the subscription.
    private func invoice(_ invoice: JSONValue) -> Verdict {
        let reason = invoice["billing_reason"]?.string
        let amount = StripeMoney.read(invoice["amount_paid"], invoice["currency"])
        var properties: [String: JSONValue] = [:]
        properties.set("billing_reason", reason)
        properties.set("subscription", Self.subscription(of: invoice))
        let id = invoice["id"]?.identifier
        switch reason {
        case "subscription_create": return .ignored(.toldOtherwise)
        case "subscription_cycle", "subscription":
            return .told("subscription_renewed", subject: id, properties, amount)
        case "manual", "quote_accept":
            let subject = Self.order(of: invoice) ?? id
            properties.set("order_id", subject)
            return .told("purchase_completed", subject: subject, properties, amount)
        default:
            return .told("invoice_paid", subject: id, properties, amount)
        }
    }

    /// `amount_refunded` is all that was given back so far; what it was before tells the step.
    private func refund(_ charge: JSONValue, _ previous: JSONValue?) -> Verdict {
        let subject =
            Self.order(of: charge) ?? Self.reference(charge["payment_intent"])
            ?? charge["id"]?.identifier
        let total = StripeMoney.read(charge["amount_refunded"], charge["currency"])
        let before = StripeMoney.read(
            previous?["amount_refunded"] ?? .number(JSONNumber(0)), charge["currency"])
        var properties: [String: JSONValue] = [:]
        properties.set("order_id", subject)
        if let total { properties["refunded_in_all"] = total.document }
        if let isWhole = charge["refunded"]?.bool { properties["is_whole"] = .bool(isWhole) }
        let step = total.flatMap { total in before.flatMap { try? total.subtracting($0) } }
        return .told("purchase_refunded", subject: subject, properties, step)
    }

    private func dispute(_ dispute: JSONValue) -> Verdict {
        let subject =
            Self.order(of: dispute) ?? Self.reference(dispute["payment_intent"])
            ?? Self.reference(dispute["charge"])
        var properties: [String: JSONValue] = [:]
        properties.set("order_id", subject)
        properties.set("reason", dispute["reason"]?.text())
        return .told(
            "purchase_disputed", subject: subject, properties,
            StripeMoney.read(dispute["amount"], dispute["currency"]))
    }
}
