/// Strict percent-decoding (RFC 3986 §2.1): a broken escape, a NUL or bad UTF-8 is an error.
package enum PercentDecoding {
    /// What was decoded, and how many bytes it took before.
    package struct Decoded {
        /// The text.
        package let text: String
        let encodedCount: Int
    }

    /// Decodes one path segment or one side of a query parameter; nil when it is malformed.
    package static func decode(
        _ bytes: some Collection<UInt8>, plusIsSpace: Bool
    ) -> Decoded? {
        let count = bytes.count
        guard
            bytes.contains(where: {
                $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+"))
            })
        else {
            return String(validating: bytes, as: UTF8.self).map {
                Decoded(text: $0, encodedCount: count)
            }
        }
        var output: [UInt8] = []
        output.reserveCapacity(count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.next().flatMap(hexValue),
                    let low = rest.next().flatMap(hexValue), high | low != 0
                else { return nil }
                output.append(high << 4 | low)
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                output.append(UInt8(ascii: " "))
            } else {
                output.append(byte)
            }
        }
        return String(validating: output, as: UTF8.self).map {
            Decoded(text: $0, encodedCount: count)
        }
    }

    /// The value of a hexadecimal digit; nil for another byte.
    static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 65...70: digit - 55
        case 97...102: digit - 87
        default: nil
        }
    }
}
