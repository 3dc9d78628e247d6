package import Kernel

/// What a JSON reader does with members that the type does not know.
package enum JSONStrictness: Sendable {
    /// Unknown fields (`unknown_field`) and duplicate keys (`duplicate_key`) are errors.
    case strict
    /// Unknown fields are ignored; of duplicate keys the last one counts.
    case lenient
}

/// JSON in and out, for everything that is on the wire.
///
/// Documents must be RFC 8259 to the letter, UTF-8 without a mark, nested at most 64 deep.
package enum JSONCoding {
    /// Reads a value of a type.
    ///
    /// Throws 400 `malformed_json` for a broken document and 400 `validation_failed`, with a JSON
    /// pointer, for one that is not what the type wants. A `Problem` thrown by the type passes.
    package static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: [UInt8], strictness: JSONStrictness
    ) throws(Problem) -> Value {
        let document = try JSONDocument(bytes, strictness: strictness)
        return try document.decode(type, at: 0, strictness: strictness)
    }

    /// Reads a document as it is; numbers keep their written form. Throws like `decode`.
    package static func parse(
        _ bytes: [UInt8], strictness: JSONStrictness = .lenient
    ) throws(Problem) -> JSONValue {
        try JSONDocument(bytes, strictness: strictness).value(at: 0)
    }

    /// Writes a value in the shortest form, keys in the order in which the type writes them.
    ///
    /// Throws `EncodingError` for a number that is not finite and whatever the type throws.
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let writer = JSONWriter()
        try JSONValueEncoder(writer: writer, depth: 0).encode(value)
        writer.close(to: 0)
        return writer.bytes
    }
}

extension JSONDocument {
    /// A value of a type from the node at `index`.
    func decode<Value: Decodable>(
        _ type: Value.Type, at index: Int, strictness: JSONStrictness
    ) throws(Problem) -> Value {
        let state = JSONDecodingState(self, tracksFields: strictness == .strict)
        let value: Value
        do {
            value = try JSONNodeDecoder(state: state, node: index).decode(type)
        } catch let problem as Problem {
            throw problem
        } catch let error as DecodingError {
            throw .invalid([error.fieldError])
        } catch let error as any ProblemConvertible {
            throw error.problem
        } catch {
            throw .badRequest("validation_failed", "The body is not what was expected.")
        }
        let unknown = state.unknownFields()
        guard unknown.isEmpty else { throw .invalid(unknown) }
        return value
    }
}

extension DecodingError {
    /// What the caller is told, and where.
    var fieldError: Problem.FieldError {
        switch self {
        case .keyNotFound(let key, let context):
            Problem.FieldError(
                pointer: Self.pointer(context.codingPath + [key]), code: "required",
                detail: "'\(key.stringValue)' is required.")
        case .valueNotFound(_, let context):
            Problem.FieldError(
                pointer: Self.pointer(context.codingPath), code: "required",
                detail: context.debugDescription)
        case .typeMismatch(_, let context):
            Problem.FieldError(
                pointer: Self.pointer(context.codingPath), code: "wrong_type",
                detail: context.debugDescription)
        case .dataCorrupted(let context):
            Problem.FieldError(
                pointer: Self.pointer(context.codingPath), code: "invalid_value",
                detail: context.debugDescription)
        @unknown default:
            Problem.FieldError(
                pointer: "", code: "invalid_value", detail: "The value is not valid.")
        }
    }

    private static func pointer(_ path: [any CodingKey]) -> String {
        path.map { "/" + JSONPointer.escape($0.intValue.map(String.init) ?? $0.stringValue) }
            .joined()
    }
}

/// A step of a coding path.
struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) {
        stringValue = name
        intValue = nil
    }

    init(_ position: Int) {
        stringValue = String(position)
        intValue = position
    }

    init(stringValue: String) { self.init(stringValue) }
    init(intValue: Int) { self.init(intValue) }
}
