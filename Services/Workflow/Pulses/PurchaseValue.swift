import HTTPKit
import Kernel

/// What a purchase was worth, as its event said.
enum PurchaseValue {
    /// `properties.amount` as `{"units":"2000","asset":"USD"}`; nil when it is missing, is anything
    /// else, or is not above zero.
    ///
    /// - Parameter facts: of the event, as JSON text.
    static func told(in facts: String) throws -> Amount? {
        let event = try JSONCoding.parse(Array(facts.utf8))
        guard let value = event["properties"]?["amount"], value.object != nil,
            let amount: Amount = try? value.decoded(), amount.units > 0
        else { return nil }
        return amount
    }
}
