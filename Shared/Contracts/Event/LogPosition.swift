/// A place in the log: a shard and a position in it.
///
/// Positions begin at 1, have no gaps, and grow in commit order; 0 stands before the first event.
/// Written `shard:position` (`3:1042`), on the wire as one JSON string and as a header's value.
package struct LogPosition: Sendable, Hashable {
    /// The header that carries the position of the event that caused a call.
    package static let headerName = "Grapevine-Position"

    /// 0 to the log's number of shards, exclusive.
    package let shard: Int
    /// 1 for a shard's first event.
    package let position: Int

    package init(shard: Int, position: Int) {
        self.shard = shard
        self.position = position
    }

    /// Reads the written form; nil when it is malformed or negative.
    package init?(_ text: some StringProtocol) {
        self.init(utf8: Array(text.utf8)[...])
    }

    /// Reads the written form from its bytes, as above.
    package init?(utf8 bytes: ArraySlice<UInt8>) {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let shard = Self.number(bytes[..<colon]),
            let position = Self.number(bytes[(colon + 1)...])
        else { return nil }
        self.init(shard: shard, position: position)
    }

    /// Digits only, without sign or needless zeros, so that each position is written in one way.
    private static func number(_ digits: some Collection<UInt8>) -> Int? {
        guard (1...18).contains(digits.count), digits.count == 1 || digits.first != 48 else {
            return nil
        }
        var value = 0
        for digit in digits {
            guard (48...57).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 48)
        }
        return value
    }
}

extension LogPosition: CustomStringConvertible {
    package var description: String { "\(shard):\(position)" }
}

extension LogPosition: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "Expected a log position such as 3:1042.")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
