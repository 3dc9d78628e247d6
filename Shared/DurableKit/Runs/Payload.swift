import FoundationEssentials

/// Inputs, results and outputs as JSON, bounded.
enum Payload {
    /// Enough for any message; larger things belong in a table of their own.
    static let maximumBytes = 1 << 20

    /// Throws `.notEncodable` or `.tooLarge`.
    static func encode(_ value: some Encodable) throws(DurableError) -> [UInt8] {
        guard let data = try? JSONEncoder().encode(value) else {
            throw DurableError(.notEncodable)
        }
        guard data.count <= maximumBytes else { throw DurableError(.tooLarge) }
        return [UInt8](data)
    }

    /// Throws what the decoder says.
    static func decode<Value: Decodable>(
        _ bytes: [UInt8], as type: Value.Type = Value.self
    ) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(bytes))
    }
}
