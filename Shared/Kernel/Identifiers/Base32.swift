package import FoundationEssentials

/// Crockford's base32, lower case, as TypeID uses it: 128 bits as 26 characters, two zero bits
/// first.
package enum Base32 {
    /// Characters that 128 bits take.
    package static let encodedLength = 26

    private static let alphabet = [UInt8]("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() {
            table[Int(character)] = UInt8(value)
        }
        return table
    }()

    /// The 26 characters of a UUID.
    package static func encode(_ uuid: UUID) -> String {
        var rest = uuid.bits
        return String(unsafeUninitializedCapacity: encodedLength) { buffer in
            for index in stride(from: encodedLength - 1, through: 0, by: -1) {
                buffer[index] = alphabet[Int(truncatingIfNeeded: rest & 31)]
                rest >>= 5
            }
            return encodedLength
        }
    }

    /// Appends the 26 characters of a UUID.
    package static func append(_ uuid: UUID, to bytes: inout [UInt8]) {
        let bits = uuid.bits
        for shift in stride(from: 5 * (encodedLength - 1), through: 0, by: -5) {
            bytes.append(alphabet[Int(truncatingIfNeeded: bits >> shift & 31)])
        }
    }

    /// The UUID of 26 characters; nil for another length, alphabet, upper case or over 128 bits.
    package static func decode(_ text: some Sequence<UInt8>) -> UUID? {
        var bits: UInt128 = 0
        var count = 0
        for character in text {
            let value = values[Int(character)]
            guard value != 0xFF, count < encodedLength, count > 0 || value < 8 else { return nil }
            bits = bits << 5 | UInt128(value)
            count += 1
        }
        return count == encodedLength ? UUID(bits: bits) : nil
    }
}
