/// Base64 with the URL alphabet and without padding (RFC 4648 §5), as JWT uses it.
package enum Base64URL {
    /// The text of the bytes, without `=`.
    package static func encode(_ bytes: [UInt8]) -> String { Base64Text.url.encode(bytes) }

    /// The bytes of canonical text.
    ///
    /// Nil for padding, other characters, white space, an impossible length, or unused bits that
    /// are not zero, so that each byte string has exactly one written form.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        Base64Text.url.decode(Array(text.utf8))
    }
}

/// Unpadded base64 over one of the two alphabets of RFC 4648.
struct Base64Text: Sendable {
    static let url = Base64Text(last: "-_")
    static let standard = Base64Text(last: "+/")

    private static let shared =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    private let alphabet: [UInt8]
    private let values: [UInt8]

    private init(last: String) {
        alphabet = Array((Self.shared + last).utf8)
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() {
            values[Int(character)] = UInt8(value)
        }
        self.values = values
    }

    func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: text, as: UTF8.self)
    }

    func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for character in text {
            let value = values[Int(character)]
            guard value != 0xFF else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        let unused: UInt32 = (1 << UInt32(count)) - 1
        return bits & unused == 0 ? bytes : nil
    }
}
