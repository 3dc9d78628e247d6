/// What a referral link ends in, and what people can say and type.
///
/// Eight of 28 characters, 3.8 × 10¹¹ codes: no vowels (no words), nothing that looks like another
/// (0 O, 1 I L). Written in capitals, read in any case.
struct ReferralCode: Sendable, Hashable, CustomStringConvertible {
    static let length = 8
    static let alphabet = [UInt8]("23456789BCDFGHJKMNPQRSTVWXYZ".utf8)

    /// In capitals.
    let text: String
    var description: String { text }

    /// Reads what somebody typed; nil when it cannot be a code.
    init?(_ typed: some StringProtocol) {
        guard typed.utf8.count == Self.length else { return nil }
        var characters: [UInt8] = []
        for byte in typed.utf8 {
            let capital = (97...122).contains(byte) ? byte - 32 : byte
            guard Self.alphabet.contains(capital) else { return nil }
            characters.append(capital)
        }
        text = String(decoding: characters, as: UTF8.self)
    }

    /// A new code from random bytes, each character as likely as any other.
    static func random(_ bytes: @Sendable (Int) -> [UInt8]) -> ReferralCode {
        // The largest multiple of 28 below 256; bytes from there on would favour some characters.
        let limit = UInt8(256 / alphabet.count * alphabet.count)
        var characters: [UInt8] = []
        while characters.count < length {
            for byte in bytes(length) where byte < limit && characters.count < length {
                characters.append(alphabet[Int(byte) % alphabet.count])
            }
        }
        return ReferralCode(drawn: String(decoding: characters, as: UTF8.self))
    }

    private init(drawn text: String) { self.text = text }
}
