package import FoundationEssentials

/// What an id names. The prefix is part of the written id, so ids of different things never mix.
package protocol IDTag: Sendable {
    /// Lower-case letters, 1 to 63 characters, unique in the whole system (`cmp`, `rwd`, …).
    static var prefix: String { get }
}

/// A typed id: a UUID in PostgreSQL, `prefix_` and 26 base32 characters everywhere else.
///
/// Source: TypeID specification 0.3 (prefix, underscore, Crockford base32 of the 128 bits).
package struct TypeID<Tag: IDTag>: Sendable, Hashable {
    /// The 128 bits; a UUIDv7 except where several services must compute the same id alone.
    package let uuid: UUID

    package init(_ uuid: UUID) {
        self.uuid = uuid
    }

    /// Reads the written form. Nil when the prefix is another's or the suffix is not canonical.
    package init?(_ text: some StringProtocol) {
        let prefix = Tag.prefix
        guard text.utf8.count == prefix.utf8.count + 1 + Base32.encodedLength,
            text.utf8.starts(with: prefix.utf8),
            text.utf8.dropFirst(prefix.utf8.count).first == UInt8(ascii: "_"),
            let uuid = Base32.decode(text.utf8.dropFirst(prefix.utf8.count + 1))
        else { return nil }
        self.uuid = uuid
    }

    /// Reads the written form from its bytes, as above.
    package init?(utf8 bytes: ArraySlice<UInt8>) {
        let prefix = Tag.prefix.utf8
        let mark = bytes.startIndex + prefix.count
        guard bytes.count == prefix.count + 1 + Base32.encodedLength,
            bytes.starts(with: prefix), bytes[mark] == UInt8(ascii: "_"),
            let uuid = Base32.decode(bytes[(mark + 1)...])
        else { return nil }
        self.uuid = uuid
    }
}

extension TypeID {
    /// Appends the written form, in UTF-8.
    package func append(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: Tag.prefix.utf8)
        bytes.append(UInt8(ascii: "_"))
        Base32.append(uuid, to: &bytes)
    }
}

extension TypeID: CustomStringConvertible {
    package var description: String { "\(Tag.prefix)_\(Base32.encode(uuid))" }
}

extension TypeID: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        withUnsafeBytes(of: left.uuid.uuid) { leftBytes in
            withUnsafeBytes(of: right.uuid.uuid) { rightBytes in
                leftBytes.lexicographicallyPrecedes(rightBytes)
            }
        }
    }
}

extension TypeID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = Self(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "Expected an id that starts with '\(Tag.prefix)_'.")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension TypeID: CodingKeyRepresentable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package var codingKey: any CodingKey { Key(stringValue: description) }

    package init?(codingKey: some CodingKey) {
        self.init(codingKey.stringValue)
    }
}
