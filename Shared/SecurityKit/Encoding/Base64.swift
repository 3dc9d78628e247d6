/// Base64 with the standard alphabet and padding (RFC 4648 §4).
package enum Base64 {
    /// The text of the bytes, padded with `=`.
    package static func encode(_ bytes: [UInt8]) -> String {
        Base64Text.standard.encode(bytes)
            + String(repeating: "=", count: (3 - bytes.count % 3) % 3)
    }

    /// The bytes of canonical text; nil for anything else, missing padding included.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 4) else { return nil }
        let padding = characters.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        return Base64Text.standard.decode(Array(characters.dropLast(padding)))
    }
}
