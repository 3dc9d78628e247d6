import HTTPKit
import Kernel

/// What the platform reads of an order, from the words that shops' clients use for it.
enum PurchaseFacts {
    /// The order's own id: the same from whichever source it is told.
    static func subject(of type: String, _ properties: JSONSlice?) -> String? {
        guard type == "purchase_completed" || type == "purchase_refunded" else { return nil }
        return ClientText.id(properties?["order_id"])
    }

    /// `amount` as the platform writes it; nil when there is one, or no currency is said.
    ///
    /// Segment's `revenue` is the price after discounts without shipping and taxes, `total` is with
    /// them; `value` is what other events carry.
    static func amount(of type: String, _ properties: JSONSlice?) -> EncodedJSON? {
        guard let properties, type.hasPrefix("purchase_"), properties["amount"] == nil,
            let asset = properties["currency"]?.string.flatMap({ Asset($0.uppercased()) })
        else { return nil }
        for name in ["revenue", "total", "value"] {
            guard let value = properties[name] else { continue }
            let text = value.string ?? String(decoding: value.bytes, as: UTF8.self)
            guard let units = units(text, scale: asset.scale) else { continue }
            return EncodedJSON(object: [
                ("units", EncodedJSON(text: units)), ("asset", EncodedJSON(text: asset.code)),
            ])
        }
        return nil
    }

    /// A decimal such as `25.5` in the smallest units, rounded down; nil for anything else, zero
    /// and less.
    static func units(_ decimal: String, scale: Int) -> String? {
        let parts = decimal.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty,
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
            whole.utf8.count <= 20
        else { return nil }
        let fraction = (parts.count == 2 ? parts[1] : "").prefix(scale)
        guard parts.count == 1 || !parts[1].isEmpty else { return nil }
        let padding = String(repeating: "0", count: scale - fraction.utf8.count)
        let digits = (whole + fraction + padding).drop { $0 == "0" }
        return digits.isEmpty ? nil : String(digits)
    }
}
