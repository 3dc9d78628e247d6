/// The secret text of an API key. Shown to its owner once; only its hash is stored.
///
/// `gv_`, then `test_` in test mode, then `pk_` or `sk_`, 32 random characters (160 bits), and four
/// that are a checksum, so that a typing error is refused without asking the database.
package struct APIKeySecret: Sendable, Hashable {
    /// What the key may do.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// May be seen by anyone: writes events, reads widgets.
        case publishable
        /// Acts for the client.
        case secret

        fileprivate var mark: String { self == .publishable ? "pk" : "sk" }
    }

    /// Which of a client's two worlds the key belongs to.
    package enum Mode: String, Sendable, Codable, CaseIterable {
        case live
        case test

        fileprivate var mark: String { self == .live ? "" : "test_" }
    }

    package let kind: Kind
    package let mode: Mode
    /// The whole key, as the caller sends it. Never logged, never stored.
    package let text: String

    private static let randomCharacterCount = 32
    private static let checksumCharacterCount = 4
    private static let alphabet = [UInt8]("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    private init(kind: Kind, mode: Mode, text: String) {
        self.kind = kind
        self.mode = mode
        self.text = text
    }

    /// A new key.
    package static func generate(kind: Kind, mode: Mode) -> APIKeySecret {
        let random = characters(of: SecureRandom.bytes(randomCharacterCount))
        let body = prefix(kind, mode) + random
        return APIKeySecret(kind: kind, mode: mode, text: body + checksum(body))
    }

    /// Reads what a caller sent. Nil when it cannot be a key of ours.
    package init?(parsing text: String) {
        for kind in Kind.allCases {
            for mode in Mode.allCases {
                let prefix = Self.prefix(kind, mode)
                let count = Self.randomCharacterCount + Self.checksumCharacterCount
                guard text.utf8.count == prefix.utf8.count + count, text.hasPrefix(prefix),
                    text.utf8.dropFirst(prefix.utf8.count).allSatisfy(Self.alphabet.contains)
                else { continue }
                let body = String(text.dropLast(Self.checksumCharacterCount))
                guard text == body + Self.checksum(body) else { return nil }
                self.init(kind: kind, mode: mode, text: text)
                return
            }
        }
        return nil
    }

    /// What is stored and looked up: the SHA-256 of the text, 32 bytes. Enough for 160 random bits.
    package var hash: [UInt8] { Digest.sha256(Array(text.utf8)) }

    /// The last four characters, so that people can tell their keys apart.
    package var hint: String { String(text.suffix(4)) }

    private static func prefix(_ kind: Kind, _ mode: Mode) -> String {
        "gv_\(mode.mark)\(kind.mark)_"
    }

    private static func checksum(_ body: String) -> String {
        characters(of: Array(Digest.sha256(Array(body.utf8)).prefix(checksumCharacterCount)))
    }

    /// Five bits of each byte; 32 divides 256, so no character is likelier than another.
    private static func characters(of bytes: [UInt8]) -> String {
        String(decoding: bytes.map { alphabet[Int($0 & 31)] }, as: UTF8.self)
    }
}

extension APIKeySecret: CustomStringConvertible {
    /// Safe to log: the prefix and the hint.
    package var description: String { "\(Self.prefix(kind, mode))…\(hint)" }
}
