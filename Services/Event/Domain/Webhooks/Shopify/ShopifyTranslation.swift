import Kernel

/// Shopify's webhooks as events.
///
/// The topic comes in a header that nobody signed, so the body, which is signed, must bear it out:
/// an unpaid order does not become a paid one by another topic.
struct ShopifyTranslation: Sendable {
    private typealias Translate =
        (JSONValue, ReceivedWebhook) throws(UnusableWebhook) -> WebhookReading.Outcome

    static let topicHeader = "X-Shopify-Topic"
    static let webhookHeader = "X-Shopify-Webhook-Id"
    static let eventHeader = "X-Shopify-Event-Id"
    static let shopHeader = "X-Shopify-Shop-Domain"
    static let timeHeader = "X-Shopify-Triggered-At"

    let settings: ShopifySettings
    let acceptsTests: Bool

    func read(_ webhook: ReceivedWebhook) -> WebhookReading {
        let topic = webhook.header(Self.topicHeader) ?? ""
        guard let translate = translation(of: topic) else {
            return WebhookReading(topic: topic, .ignored(.unknownTopic))
        }
        return .make(topic: topic, of: webhook) { body throws(UnusableWebhook) in
            if let shop = settings.shopDomain, webhook.header(Self.shopHeader) != shop {
                throw UnusableWebhook(
                    Self.shopHeader, "other_shop", "It is of another shop than this source.")
            }
            return try translate(body, webhook)
        }
    }

    private func translation(of topic: String) -> Translate? {
        switch topic {
        case "orders/create": order(as: "order_placed", topic) { _ in true }
        case "orders/paid":
            order(as: "purchase_completed", topic) { order in
                ["paid", "partially_refunded", "refunded"].contains(
                    order["financial_status"]?.string)
            }
        case "orders/cancelled":
            order(as: "purchase_cancelled", topic) { $0["cancelled_at"]?.time != nil }
        case "refunds/create": refund(topic)
        case "customers/create": customer(topic)
        case "customers/data_request": privacy(as: "privacy_data_requested", topic)
        case "customers/redact": privacy(as: "privacy_erasure_requested", topic)
        case "shop/redact": privacy(as: "privacy_shop_erasure_requested", topic)
        default: nil
        }
    }

    // MARK: - Orders

    private func order(
        as type: String, _ topic: String, _ bearsOut: @escaping (JSONValue) -> Bool
    ) -> Translate {
        { order, webhook throws(UnusableWebhook) in
            let id = try Self.id(of: order, "/id")
            guard bearsOut(order), order["line_items"]?.array != nil else {
                throw UnusableWebhook(
                    "", "topic_mismatch", "The order is not what the topic '\(topic)' says.")
            }
            if order["test"]?.bool == true, !acceptsTests { return .ignored(.testMode) }
            var event = ToldEvent(
                type: type, eventID: try Self.eventID(topic, id, webhook),
                occurredAt: Self.time(webhook, order, ["processed_at", "created_at"]))
            event.subject = id
            event.externalID = externalID(of: order)
            event.traits = Self.traits(of: order)
            event.referral = ShopifyOrder.referral(of: order)
            event.properties = ShopifyOrder.properties(of: order, id: id)
            event.properties.set("shop", webhook.header(Self.shopHeader))
            return .event(event)
        }
    }

    /// A refund tells of its order, not of a person.
    private func refund(_ topic: String) -> Translate {
        { refund, webhook throws(UnusableWebhook) in
            let id = try Self.id(of: refund, "/id")
            let order = try Self.id(of: refund, "/order_id")
            guard let transactions = refund["transactions"]?.array else {
                throw UnusableWebhook("/transactions", "required", "A refund has transactions.")
            }
            var event = ToldEvent(
                type: "purchase_refunded", eventID: try Self.eventID(topic, id, webhook),
                occurredAt: Self.time(webhook, refund, ["processed_at", "created_at"]))
            event.subject = order
            event.properties = ["order_id": .string(order), "refund_id": .string(id)]
            event.properties["amount"] = ShopifyOrder.refunded(transactions)?.document
            event.properties.set("shop", webhook.header(Self.shopHeader))
            return .event(event)
        }
    }

    // MARK: - People

    private func customer(_ topic: String) -> Translate {
        { customer, webhook throws(UnusableWebhook) in
            let id = try Self.id(of: customer, "/id")
            guard customer["line_items"] == nil, customer["order_id"] == nil else {
                throw UnusableWebhook("", "topic_mismatch", "It is not a customer.")
            }
            let whole: JSONValue = ["customer": customer, "email": customer["email"] ?? .null]
            guard let externalID = externalID(of: whole) else {
                throw UnusableWebhook(
                    "", "participant_required", "The customer has none of the ids that count.")
            }
            var event = ToldEvent(
                type: "user_signed_up", eventID: try Self.eventID(topic, id, webhook),
                occurredAt: Self.time(webhook, customer, ["created_at"]))
            event.externalID = externalID
            event.traits = Self.traits(of: whole)
            event.properties = ["customer_id": .string(id)]
            event.properties.set("shop", webhook.header(Self.shopHeader))
            return .event(event)
        }
    }

    /// For an operator. It is no doing of the person's, so it names none as its participant.
    private func privacy(as type: String, _ topic: String) -> Translate {
        { body, webhook throws(UnusableWebhook) in
            let shop = try Self.id(of: body, "/shop_id")
            let customer = body["customer"]?["id"]?.identifier
            let request = body["data_request"]?["id"]?.identifier
            guard topic == "shop/redact" || customer != nil else {
                throw UnusableWebhook("/customer/id", "required", "Say which customer.")
            }
            var event = ToldEvent(
                type: type,
                eventID: try Self.eventID(topic, request ?? customer ?? shop, webhook),
                occurredAt: Self.time(webhook, body, []))
            event.subject = request ?? customer ?? shop
            event.properties = ["shop_id": .string(shop)]
            event.properties.set("shop", body["shop_domain"]?.text())
            event.properties.set("customer_id", customer)
            event.properties.set("external_id", externalID(of: body))
            event.properties.set("email", body["customer"]?["email"]?.mailbox)
            for name in ["orders_requested", "orders_to_redact"] {
                let orders = (body[name]?.array ?? []).prefix(200).compactMap(\.identifier)
                if !orders.isEmpty {
                    event.properties["orders"] = .array(orders.map { .string($0) })
                }
            }
            return .event(event)
        }
    }

    private func externalID(of order: JSONValue) -> String? {
        for identity in settings.identities {
            let id: String? =
                switch identity {
                case .customerID: order["customer"]?["id"]?.identifier
                case .email: ShopifyOrder.email(of: order)
                case .noteAttribute: ShopifyOrder.attribute("gv_participant", of: order)
                }
            if let id { return id }
        }
        return nil
    }

    private static func traits(of order: JSONValue) -> [String: JSONValue] {
        var traits: [String: JSONValue] = [:]
        traits.set("email", ShopifyOrder.email(of: order))
        traits.set("first_name", order["customer"]?["first_name"]?.text())
        traits.set("last_name", order["customer"]?["last_name"]?.text())
        return traits
    }

    // MARK: - Ids and times

    private static func id(
        of body: JSONValue, _ pointer: String
    ) throws(UnusableWebhook) -> String {
        guard let id = body[String(pointer.dropFirst())]?.identifier else {
            throw UnusableWebhook(pointer, "required", "It has no id.")
        }
        return id
    }

    /// One merchant's action may raise several topics under one event id, and two subscriptions
    /// tell it under two webhook ids: the same thing is the same topic, thing and event.
    private static func eventID(
        _ topic: String, _ id: String, _ webhook: ReceivedWebhook
    ) throws(UnusableWebhook) -> String {
        guard let told = webhook.header(eventHeader) ?? webhook.header(webhookHeader) else {
            throw UnusableWebhook(webhookHeader, "required", "It has no id.")
        }
        return WebhookEventID.make(["shopify", topic, id, told])
    }

    private static func time(
        _ webhook: ReceivedWebhook, _ body: JSONValue, _ names: [String]
    ) -> Timestamp {
        webhook.header(timeHeader).flatMap { Timestamp($0) }
            ?? names.lazy.compactMap { body[$0]?.time }.first ?? webhook.receivedAt
    }
}
