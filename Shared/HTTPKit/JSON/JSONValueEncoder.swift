import Kernel

/// Encodes one value at a depth of the text.
struct JSONValueEncoder: Encoder {
    let writer: JSONWriter
    let depth: Int

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// The protocol leaves no room for an error here, so a misuse shows at the first `encode`.
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        try? writer.open(isArray: false, at: depth)
        return KeyedEncodingContainer(
            JSONKeyedEncodingContainer<Key>(writer: writer, depth: depth + 1))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        try? writer.open(isArray: true, at: depth)
        return JSONUnkeyedEncodingContainer(writer: writer, depth: depth + 1)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    /// Writes a document as it is, numbers in their written form.
    func write(_ value: JSONValue, at depth: Int) throws {
        switch value {
        case .null: writer.null()
        case .bool(let value): writer.boolean(value)
        case .number(let number): writer.raw(number.text)
        case .string(let text): writer.string(text)
        case .array(let elements):
            try writer.open(isArray: true, at: depth)
            for element in elements {
                try writer.element(at: depth + 1)
                try write(element, at: depth + 1)
            }
            writer.close(to: depth)
        case .object(let members):
            try write(members: members, at: depth) { try write($0, at: depth + 1) }
        }
    }

    /// By name: a dictionary's own order is another one in every process, and the same value is to
    /// be the same bytes everywhere.
    fileprivate func write<Member>(
        members: [String: Member], at depth: Int, _ writeMember: (Member) throws -> Void
    ) throws {
        try writer.open(isArray: false, at: depth)
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            try writer.key(name, at: depth + 1)
            try writeMember(member)
        }
        writer.close(to: depth)
    }
}

/// A dictionary with names as keys, whatever its values are.
private protocol NamedMembers {
    func write(to encoder: JSONValueEncoder) throws
}

extension Dictionary: NamedMembers where Key == String, Value: Encodable {
    fileprivate func write(to encoder: JSONValueEncoder) throws {
        let inner = JSONValueEncoder(writer: encoder.writer, depth: encoder.depth + 1)
        try encoder.write(members: self, at: encoder.depth) { try inner.encode($0) }
    }
}

extension JSONValueEncoder: SingleValueEncodingContainer {
    func encodeNil() { writer.null() }
    func encode(_ value: Bool) { writer.boolean(value) }
    func encode(_ value: String) { writer.string(value) }
    func encode(_ value: Double) throws { try writer.float(value) }
    func encode(_ value: Float) throws { try writer.float(value) }
    func encode(_ value: Int) { writer.integer(value) }
    func encode(_ value: Int8) { writer.integer(value) }
    func encode(_ value: Int16) { writer.integer(value) }
    func encode(_ value: Int32) { writer.integer(value) }
    func encode(_ value: Int64) { writer.integer(value) }
    func encode(_ value: Int128) { writer.integer(value) }
    func encode(_ value: UInt) { writer.integer(value) }
    func encode(_ value: UInt8) { writer.integer(value) }
    func encode(_ value: UInt16) { writer.integer(value) }
    func encode(_ value: UInt32) { writer.integer(value) }
    func encode(_ value: UInt64) { writer.integer(value) }
    func encode(_ value: UInt128) { writer.integer(value) }

    func encode<Value: Encodable>(_ value: Value) throws {
        if Value.self == JSONValue.self, let value = value as? JSONValue {
            try write(value, at: depth)
        } else if Value.self == String.self, let text = value as? String {
            writer.string(text)
        } else if let members = value as? any NamedMembers {
            try members.write(to: self)
        } else {
            try value.encode(to: self)
        }
    }
}

/// The members of one object that is being written.
struct JSONKeyedEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: JSONWriter
    let depth: Int

    var codingPath: [any CodingKey] { [] }

    private func member(_ key: Key) throws -> JSONValueEncoder {
        try writer.key(key.stringValue, at: depth)
        return JSONValueEncoder(writer: writer, depth: depth)
    }

    func encodeNil(forKey key: Key) throws { try member(key).encodeNil() }
    func encode(_ value: Bool, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: String, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Double, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Float, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int8, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int16, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int32, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int64, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int128, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt8, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt16, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt32, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt64, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt128, forKey key: Key) throws { try member(key).encode(value) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try member(key).encode(value)
        writer.close(to: depth)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        superEncoder(forKey: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        superEncoder(forKey: key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { JSONValueEncoder(writer: writer, depth: depth - 1) }

    func superEncoder(forKey key: Key) -> any Encoder {
        try? writer.key(key.stringValue, at: depth)
        return JSONValueEncoder(writer: writer, depth: depth)
    }
}

/// The elements of one array that is being written.
struct JSONUnkeyedEncodingContainer: UnkeyedEncodingContainer {
    let writer: JSONWriter
    let depth: Int
    private(set) var count = 0

    init(writer: JSONWriter, depth: Int) {
        self.writer = writer
        self.depth = depth
    }

    var codingPath: [any CodingKey] { [] }

    private mutating func element() throws -> JSONValueEncoder {
        try writer.element(at: depth)
        count += 1
        return JSONValueEncoder(writer: writer, depth: depth)
    }

    mutating func encodeNil() throws { try element().encodeNil() }

    mutating func encode<Value: Encodable>(_ value: Value) throws {
        try element().encode(value)
        writer.close(to: depth)
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        superEncoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        superEncoder().unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder {
        (try? element()) ?? JSONValueEncoder(writer: writer, depth: depth)
    }
}
