import Kernel

/// What the containers of one decoding share: the document, and which fields were asked for.
final class JSONDecodingState {
    let document: JSONDocument
    /// Per node: a key that was asked for, or an object that was opened. Empty when not tracked.
    private var isSeen: [Bool]

    init(_ document: JSONDocument, tracksFields: Bool) {
        self.document = document
        isSeen = tracksFields ? [Bool](repeating: false, count: document.nodes.count) : []
    }

    func see(_ node: Int) {
        if !isSeen.isEmpty { isSeen[node] = true }
    }

    /// Members of opened objects that nothing asked for; at most 20.
    func unknownFields() -> [Problem.FieldError] {
        var errors: [Problem.FieldError] = []
        for (index, wasOpened) in isSeen.enumerated()
        where wasOpened && document.nodes[index].kind == .object {
            document.forEachMember(of: index) { key in
                guard !isSeen[key], errors.count < 20 else { return }
                errors.append(
                    Problem.FieldError(
                        pointer: document.pointer(to: key + 1), code: "unknown_field",
                        detail: "There is no field '\(document.text(document.nodes[key]))' here."))
            }
        }
        return errors
    }

    /// The steps from the root to a value.
    func path(to node: Int) -> [any CodingKey] { document.path(to: node) }
}

/// Decodes the value at one node.
struct JSONNodeDecoder: Decoder {
    let state: JSONDecodingState
    let node: Int

    var codingPath: [any CodingKey] { state.path(to: node) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    var value: JSONNode { state.document.nodes[node] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try JSONKeyedContainer<Key>(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try JSONUnkeyedContainer(self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func mismatch(_ type: Any.Type, _ wanted: String) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: codingPath, debugDescription: "Expected \(wanted).")
        return value.kind == .null
            ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    private func outOfRange(_ type: Any.Type) -> DecodingError {
        .dataCorrupted(
            .init(codingPath: codingPath, debugDescription: "The number is out of range."))
    }

    // MARK: - Scalars

    func string() throws -> String {
        guard value.kind == .string else { throw mismatch(String.self, "a string") }
        return state.document.text(value)
    }

    func boolean() throws -> Bool {
        switch value.kind {
        case .true: return true
        case .false: return false
        default: throw mismatch(Bool.self, "true or false")
        }
    }

    /// A whole number, written without fraction and exponent.
    func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        guard value.kind == .number else { throw mismatch(type, "a whole number") }
        let text = state.document.bytes
        let bytes = text.span
        var index = Int(value.start)
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var result: Number = 0
        while index < value.end {
            let digit = bytes[index] &- 48
            guard digit < 10 else { throw mismatch(type, "a whole number") }
            let (product, tooLarge) = result.multipliedReportingOverflow(by: 10)
            let (sum, overflow) =
                isNegative
                ? product.subtractingReportingOverflow(Number(digit))
                : product.addingReportingOverflow(Number(digit))
            guard !tooLarge, !overflow else { throw outOfRange(type) }
            result = sum
            index += 1
        }
        return result
    }

    func float<Number: BinaryFloatingPoint & LosslessStringConvertible>(
        _ type: Number.Type
    ) throws -> Number {
        guard value.kind == .number else { throw mismatch(type, "a number") }
        let text = String(decoding: state.document.bytes[value.range], as: UTF8.self)
        guard let number = Number(text), number.isFinite else { throw outOfRange(type) }
        return number
    }
}

extension JSONNodeDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.kind == .null }
    func decode(_ type: Bool.Type) throws -> Bool { try boolean() }
    func decode(_ type: String.Type) throws -> String { try string() }
    func decode(_ type: Double.Type) throws -> Double { try float(type) }
    func decode(_ type: Float.Type) throws -> Float { try float(type) }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: Int128.Type) throws -> Int128 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try integer(type) }

    /// `JSONValue` and the commonest element types skip the detour over their own `init(from:)`.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == JSONValue.self, let value = state.document.value(at: node) as? Value {
            return value
        }
        if type == String.self, let value = try string() as? Value { return value }
        if type == Int.self, let value = try integer(Int.self) as? Value { return value }
        return try Value(from: self)
    }
}

extension JSONDocument {
    /// The steps from the root to a value.
    func path(to target: Int) -> [any CodingKey] {
        var path: [any CodingKey] = []
        var index = 0
        while index < target, let (key, child) = step(from: index, to: target) {
            path.append(key)
            index = child
        }
        return path
    }

    /// The JSON pointer (RFC 6901) of a value.
    func pointer(to target: Int) -> String {
        path(to: target).map { "/" + JSONPointer.escape($0.stringValue) }.joined()
    }

    private func step(from index: Int, to target: Int) -> (JSONKey, Int)? {
        var child = index + 1
        var position = 0
        let isObject = nodes[index].kind == .object
        while child < nodes[index].next {
            let value = isObject ? child + 1 : child
            if target < nodes[value].next {
                return (isObject ? JSONKey(text(nodes[child])) : JSONKey(position), value)
            }
            child = Int(nodes[value].next)
            position += 1
        }
        return nil
    }
}
