/// What kind of thing happened: the name that subscribers filter by and channels carry.
///
/// Services write `noun.verb_in_the_past` (`campaign.activated`, `reward.fulfilled`); what clients
/// send keeps the client's own name (`signup`, `order.paid`).
package enum EventType {
    /// Stands where an event of an erased person was. Nobody may send it.
    package static let erased = "event.erased"

    /// The longest type, in characters (all of them are ASCII).
    package static let maximumLength = 100

    /// Whether the text may be a type: letters, digits and `_ . : -`, 1 to 100 of them.
    ///
    /// No comma (it separates types in a query), no space, nothing that a Redis pattern reads.
    package static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8.span
        guard (1...maximumLength).contains(bytes.count) else { return false }
        for place in bytes.indices where !isAllowed(bytes[place]) { return false }
        return true
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
