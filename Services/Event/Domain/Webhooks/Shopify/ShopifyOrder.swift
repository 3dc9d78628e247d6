import Kernel

/// Reads what counts of a Shopify order.
enum ShopifyOrder {
    /// Of an order with more, the first are kept.
    static let maximumItems = 50

    static func email(of order: JSONValue) -> String? {
        order["customer"]?["email"]?.mailbox ?? order["email"]?.mailbox
            ?? order["contact_email"]?.mailbox
    }

    /// A cart attribute; Shopify's pages pass them on with the order.
    static func attribute(_ name: String, of order: JSONValue) -> String? {
        (order["note_attributes"]?.array ?? []).lazy
            .filter { $0["name"]?.string == name }
            .compactMap { $0["value"]?.identifier }.first
    }

    /// What the cart says of the link, or else the address at which the visit began: links end
    /// there with both.
    static func referral(of order: JSONValue) -> ToldEvent.Referral {
        let landing = query(of: order["landing_site"]?.string ?? "")
        return ToldEvent.Referral(
            clickID: attribute("gv_click", of: order) ?? landing["gv_click"],
            code: attribute("gv_code", of: order) ?? landing["gv_code"])
    }

    /// The simple parameters of an address: letters, digits and underscores, as ids and codes are.
    private static func query(of address: String) -> [String: String] {
        guard let start = address.firstIndex(of: "?"), address.utf8.count <= 4000 else {
            return [:]
        }
        var values: [String: String] = [:]
        let text = address[address.index(after: start)...].prefix { $0 != "#" }
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, (1...100).contains(pair[1].utf8.count),
                pair[1].utf8.allSatisfy(isWordByte)
            else { continue }
            values[String(pair[0])] = String(pair[1])
        }
        return values
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"): true
        default: false
        }
    }

    static func properties(of order: JSONValue, id: String) -> [String: JSONValue] {
        var properties: [String: JSONValue] = ["order_id": .string(id)]
        properties.set("order_name", order["name"]?.text())
        properties.set("checkout_token", order["checkout_token"]?.text())
        properties.set("customer_id", order["customer"]?["id"]?.identifier)
        properties.set("financial_status", order["financial_status"]?.text())
        properties.set("cancel_reason", order["cancel_reason"]?.text())
        properties.set("sales_channel", order["source_name"]?.text())
        if order["test"]?.bool == true { properties["test"] = true }
        let currency = order["currency"]
        for (name, member) in [
            ("amount", "total_price"), ("subtotal", "subtotal_price"),
            ("discount", "total_discounts"),
        ] {
            properties.merge(money(name, order[member], currency)) { $1 }
        }
        let codes = (order["discount_codes"]?.array ?? []).prefix(20)
            .compactMap { $0["code"]?.text(atMost: 100) }
        if !codes.isEmpty { properties["discount_codes"] = .array(codes.map { .string($0) }) }
        let items = (order["line_items"]?.array ?? []).prefix(maximumItems)
        properties["items"] = .array(items.map { .object(item($0, currency)) })
        return properties
    }

    private static func item(_ item: JSONValue, _ currency: JSONValue?) -> [String: JSONValue] {
        var properties: [String: JSONValue] = [:]
        properties.set("product_id", item["product_id"]?.identifier)
        properties.set("variant_id", item["variant_id"]?.identifier)
        properties.set("sku", item["sku"]?.text(atMost: 100))
        if let quantity = item["quantity"]?.integer {
            properties["quantity"] = .number(JSONNumber(quantity))
        }
        properties.merge(money("amount", item["price"], currency)) { $1 }
        return properties
    }

    /// The amount under its name. One that is no whole number of units is passed on as it was
    /// told, under another name, so that nobody counts with it.
    private static func money(
        _ name: String, _ value: JSONValue?, _ currency: JSONValue?
    ) -> [String: JSONValue] {
        guard let text = value?.string ?? value?.number?.text else { return [:] }
        guard let asset = currency?.string.flatMap({ Asset($0) }),
            let amount = ExactAmount.read(decimal: text, asset)
        else {
            return [
                "\(name)_as_told": [
                    "value": .string(String(text.prefix(50))), "currency": currency ?? .null,
                ]
            ]
        }
        return [name: amount.document]
    }

    /// The sum of what was given back; nil when nothing was, or when it is not of one currency.
    static func refunded(_ transactions: [JSONValue]) -> Amount? {
        var sum: Amount?
        for transaction in transactions
        where transaction["kind"]?.string == "refund" && transaction["status"]?.string == "success"
        {
            guard let asset = transaction["currency"]?.string.flatMap({ Asset($0) }),
                let text = transaction["amount"]?.string,
                let amount = ExactAmount.read(decimal: text, asset),
                let next = try? (sum ?? .zero(asset)).adding(amount)
            else { return nil }
            sum = next
        }
        return sum
    }
}
