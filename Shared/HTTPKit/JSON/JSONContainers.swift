/// The members of one object.
///
/// A class, because it remembers where the last member was found: types ask in the order in which
/// documents are written, so that most searches end at once.
final class JSONKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let decoder: JSONNodeDecoder
    private let end: Int
    private var cursor: Int

    init(_ decoder: JSONNodeDecoder) throws {
        guard decoder.value.kind == .object else {
            throw decoder.mismatch([String: Any].self, "an object")
        }
        self.decoder = decoder
        end = Int(decoder.value.next)
        cursor = decoder.node + 1
        decoder.state.see(decoder.node)
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        var keys: [Key] = []
        let document = decoder.state.document
        document.forEachMember(of: decoder.node) { index in
            if let key = Key(stringValue: document.text(document.nodes[index])) {
                keys.append(key)
            }
        }
        return keys
    }

    /// The node of a member's value; nil when it is absent.
    private func find(_ key: any CodingKey) -> Int? {
        let name = key.stringValue
        return search(name, cursor..<end) ?? search(name, decoder.node + 1..<cursor)
    }

    private func search(_ name: String, _ range: Range<Int>) -> Int? {
        let document = decoder.state.document
        var index = range.lowerBound
        while index < range.upperBound {
            let node = document.nodes[index]
            if !node.isShadowed, document.isText(node, name) {
                cursor = index
                decoder.state.see(index)
                return index + 1
            }
            index = Int(document.nodes[index + 1].next)
        }
        return nil
    }

    private func member(_ key: Key) throws -> JSONNodeDecoder {
        guard let node = find(key) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "It is absent."))
        }
        return JSONNodeDecoder(state: decoder.state, node: node)
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try member(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try member(key).boolean() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try member(key).string() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try member(key).float(type)
    }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try member(key).float(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try member(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
        try member(key).integer(type)
    }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
        try member(key).integer(type)
    }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
        try member(key).integer(type)
    }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
        try member(key).integer(type)
    }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try member(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
        try member(key).integer(type)
    }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
        try member(key).integer(type)
    }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
        try member(key).integer(type)
    }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
        try member(key).integer(type)
    }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
        try member(key).integer(type)
    }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try member(key).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try member(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try member(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }
}

/// The elements of one array, in order.
struct JSONUnkeyedContainer: UnkeyedDecodingContainer {
    private let decoder: JSONNodeDecoder
    private let end: Int
    private var index: Int
    private(set) var currentIndex = 0

    init(_ decoder: JSONNodeDecoder) throws {
        guard decoder.value.kind == .array else { throw decoder.mismatch([Any].self, "an array") }
        self.decoder = decoder
        end = Int(decoder.value.next)
        index = decoder.node + 1
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var isAtEnd: Bool { index >= end }

    var count: Int? {
        var count = 0
        decoder.state.document.forEachElement(of: decoder.node) { _ in count += 1 }
        return count
    }

    private mutating func take<Value>(_ body: (JSONNodeDecoder) throws -> Value) throws -> Value {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Value.self,
                .init(codingPath: codingPath, debugDescription: "The array is too short."))
        }
        let value = try body(JSONNodeDecoder(state: decoder.state, node: index))
        index = Int(decoder.state.document.nodes[index].next)
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, decoder.state.document.nodes[index].kind == .null else { return false }
        return try take { $0.decodeNil() }
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try take { try $0.decode(type) }
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try take { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try take { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try take { $0 } }
}
