import Contracts
import SecurityKit

/// Other tools' names of events as types of ours.
enum EventNames {
    /// Words of Segment's specifications that mean what the catalogue has a type for.
    private static let known = [
        "order_completed": "purchase_completed",
        "completed_order": "purchase_completed",
        "order_refunded": "purchase_refunded",
        "signed_up": "user_signed_up",
        "account_created": "user_signed_up",
        "signed_in": "user_logged_in",
        "product_viewed": "product_viewed",
        "viewed_product": "product_viewed",
        "product_added": "cart_updated",
        "added_product": "cart_updated",
        "product_removed": "cart_updated",
        "removed_product": "cart_updated",
        "checkout_started": "checkout_started",
        "started_checkout": "checkout_started",
    ]

    /// The type for a name: the catalogue's where it means the same, the name itself where it is a
    /// valid type, else its letters and digits.
    ///
    /// The same name always gives the same type, and names that differ in more than case and
    /// punctuation give different ones.
    static func type(for name: String) -> String {
        let words = words(of: name)
        let isPlain = name.unicodeScalars.allSatisfy(\.isASCII)
        if isPlain, let type = known[words] { return type }
        if EventType.isValid(name), !ReservedEventTypes.contains(name) { return name }
        // Letters that a type cannot have are told apart by a hash.
        let isWhole =
            isPlain && !words.isEmpty && words.utf8.count <= EventType.maximumLength
        guard !isWhole else { return words }
        let mark = String(Hex.encode(Digest.sha256(Array(name.utf8))).prefix(8))
        let stem = words.isEmpty ? "event" : String(words.prefix(EventType.maximumLength - 9))
        return "\(stem)_\(mark)"
    }

    /// Letters and digits in lower case, everything between them as one `_`.
    private static func words(of name: String) -> String {
        var words: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                words.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                words.append(byte | 0x20)
            default:
                if let last = words.last, last != UInt8(ascii: "_") {
                    words.append(UInt8(ascii: "_"))
                }
            }
        }
        if words.last == UInt8(ascii: "_") { words.removeLast() }
        return String(decoding: words, as: UTF8.self)
    }
}
