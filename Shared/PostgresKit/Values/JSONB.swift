package import FoundationEssentials

/// A JSON document in a `jsonb` column (`json` columns can be read too).
package struct JSONB: Sendable, Hashable {
    /// The document as text in UTF-8.
    package let bytes: [UInt8]

    /// Takes a document as it is; the server refuses what is not JSON (`.invalidValue`).
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Encodes a value with `encoder`. Throws `.encoding` when the value cannot be JSON.
    package init(
        encoding value: some Encodable, by encoder: JSONEncoder = JSONEncoder()
    ) throws(PostgresError) {
        do {
            bytes = Array(try encoder.encode(value))
        } catch {
            throw PostgresError(.encoding, "a value that cannot be written as JSON")
        }
    }

    /// Decodes the document. Throws `.decoding` when it does not have the form of `Value`.
    package func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, by decoder: JSONDecoder = JSONDecoder()
    ) throws(PostgresError) -> Value {
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch {
            throw PostgresError(.decoding, "the JSON document does not fit \(type)")
        }
    }
}

extension JSONB: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .jsonb }
    package static var postgresArrayType: PostgresType { .jsonbArray }

    /// The version of the binary form, in front of the text.
    private static let version: UInt8 = 1

    package func write(to writer: inout ValueWriter) {
        writer.append(Self.version)
        writer.append(contentsOf: bytes)
    }

    package static func read(from value: PostgresValue) throws(PostgresError) -> JSONB {
        let bytes = unsafe try value.required("jsonb")
        switch value.oid {
        case PostgresType.jsonb.oid where unsafe bytes.first == version:
            return unsafe JSONB(Array(bytes.dropFirst()))
        case 114: return unsafe JSONB(Array(bytes))
        default: throw value.mismatch("jsonb")
        }
    }
}
