import Kernel

extension StripeTranslation {
    /// A subscription that begins, changes its price, or ends.
    func subscription(
        _ topic: String, _ object: JSONValue, _ previous: JSONValue?
    ) -> Verdict {
        let status = object["status"]?.string ?? ""
        let isRunning = status == "active" || status == "trialing"
        switch topic {
        case "customer.subscription.deleted":
            return told("subscription_cancelled", object)
        case "customer.subscription.created":
            // Until its first payment it is none.
            return isRunning ? told("subscription_started", object) : .ignored(.notYet)
        default:
            let was = previous?["status"]?.string
            if was == "incomplete" {
                return isRunning ? told("subscription_started", object) : .ignored(.notYet)
            }
            return told(Self.change(of: object, previous), object)
        }
    }

    private func told(_ type: String, _ object: JSONValue) -> Verdict {
        var properties: [String: JSONValue] = [:]
        properties.set("status", object["status"]?.text())
        if let ends = object["cancel_at_period_end"]?.bool {
            properties["cancel_at_period_end"] = .bool(ends)
        }
        let first = object["items"]?["data"]?.array?.first
        properties.set("price", first?["price"]?["id"]?.identifier)
        properties.set("product", Self.reference(first?["price"]?["product"]))
        properties.set("interval", first?["price"]?["recurring"]?["interval"]?.text())
        let currency = object["currency"] ?? first?["price"]?["currency"]
        let amount = Self.price(of: object).flatMap {
            StripeMoney.read(.number(JSONNumber($0)), currency)
        }
        return .told(type, subject: object["id"]?.identifier, properties, amount)
    }

    /// By the price of all items, when both prices are known and count the same periods.
    private static func change(of object: JSONValue, _ previous: JSONValue?) -> String {
        guard let before = previous.flatMap(price), let now = price(of: object), before != now,
            previous.flatMap(interval) == interval(of: object)
        else { return "subscription_updated" }
        return now > before ? "subscription_upgraded" : "subscription_downgraded"
    }

    /// The sum of the items in Stripe's steps; nil when a price is not fixed.
    private static func price(of object: JSONValue) -> Int? {
        guard let items = object["items"]?["data"]?.array, !items.isEmpty else { return nil }
        var sum = 0
        for item in items.prefix(100) {
            guard let amount = item["price"]?["unit_amount"]?.integer else { return nil }
            let (cost, isTooMuch) = amount.multipliedReportingOverflow(
                by: item["quantity"]?.integer ?? 1)
            let (next, isBeyond) = sum.addingReportingOverflow(cost)
            guard !isTooMuch, !isBeyond else { return nil }
            sum = next
        }
        return sum
    }

    private static func interval(of object: JSONValue) -> String? {
        let recurring = object["items"]?["data"]?.array?.first?["price"]?["recurring"]
        guard let interval = recurring?["interval"]?.string else { return nil }
        return "\(interval) \(recurring?["interval_count"]?.integer ?? 1)"
    }

    // MARK: - Who and what

    func externalID(of object: JSONValue) -> String? {
        for identity in settings.identities {
            let id: String? =
                switch identity {
                case .metadata: Self.metadata("gv_participant", of: object)
                case .clientReferenceID: Self.clientReference(of: object)
                case .customerID: Self.reference(object["customer"])
                case .email: Self.email(of: object)
                }
            if let id { return id }
        }
        return nil
    }

    static func email(of object: JSONValue) -> String? {
        [
            object["customer_details"]?["email"], object["customer_email"],
            object["billing_details"]?["email"], object["receipt_email"],
            object["evidence"]?["customer_email_address"],
        ].lazy.compactMap { $0?.mailbox }.first
    }

    /// `client_reference_id` may be a click of ours, as shops pass it on from the link.
    static func referral(of object: JSONValue) -> ToldEvent.Referral {
        let reference = object["client_reference_id"]?.identifier
        return ToldEvent.Referral(
            clickID: metadata("gv_click", of: object)
                ?? reference.flatMap { ClickID($0) }?.description,
            code: metadata("gv_code", of: object))
    }

    private static func clientReference(of object: JSONValue) -> String? {
        guard let reference = object["client_reference_id"]?.identifier,
            ClickID(reference) == nil
        else { return nil }
        return reference
    }

    /// The client's own number of the order, so that its site can tell of the same one.
    static func order(of object: JSONValue) -> String? { metadata("order_id", of: object) }

    /// What the client's server wrote down with the payment, or with the subscription it is of.
    private static func metadata(_ name: String, of object: JSONValue) -> String? {
        [
            object["metadata"], object["subscription_details"]?["metadata"],
            object["parent"]?["subscription_details"]?["metadata"],
        ].lazy.compactMap { $0?[name]?.identifier }.first
    }

    static func subscription(of invoice: JSONValue) -> String? {
        reference(invoice["subscription"])
            ?? reference(invoice["parent"]?["subscription_details"]?["subscription"])
    }

    /// The id of another thing, which may have been sent whole.
    static func reference(_ value: JSONValue?) -> String? {
        value?.identifier ?? value?["id"]?.identifier
    }
}
