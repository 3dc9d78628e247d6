/// A value that can be bound to a statement.
package protocol PostgresEncodable: Sendable {
    /// The type told to the server, and the format of the bytes.
    static var postgresType: PostgresType { get }

    /// Appends the value's bytes; leaves a note in the writer when it cannot be sent.
    func write(to writer: inout ValueWriter)
}

/// A value that can also stand in an array (`unnest(\(ids)::uuid[])`, `= any(\(ids))`).
package protocol PostgresArrayElement: PostgresEncodable {
    /// The type of an array of this.
    static var postgresArrayType: PostgresType { get }

    /// Appends a whole array.
    static func write(array: [Self], to writer: inout ValueWriter)
}

/// A type's number in the server's catalogue, and how its bytes are written.
package struct PostgresType: Sendable, Hashable {
    /// How bytes stand for a value on the wire.
    package enum Format: Int32, Sendable {
        case text = 0
        case binary = 1
    }

    /// The object id in `pg_type`; 0 lets the server infer the type.
    package let oid: UInt32
    package let format: Format

    init(_ oid: UInt32, _ format: Format = .binary) {
        self.oid = oid
        self.format = format
    }

    // Source: PostgreSQL 15, src/include/catalog/pg_type.dat.
    static let inferred = PostgresType(0, .text)
    static let bool = PostgresType(16)
    static let bytea = PostgresType(17)
    static let int8 = PostgresType(20)
    static let int2 = PostgresType(21)
    static let int4 = PostgresType(23)
    static let float8 = PostgresType(701)
    static let timestamptz = PostgresType(1184)
    static let numeric = PostgresType(1700)
    static let uuid = PostgresType(2950)
    static let jsonb = PostgresType(3802)
    static let boolArray = PostgresType(1000)
    static let byteaArray = PostgresType(1001)
    static let int2Array = PostgresType(1005)
    static let int4Array = PostgresType(1007)
    static let int8Array = PostgresType(1016)
    static let float8Array = PostgresType(1022)
    static let timestamptzArray = PostgresType(1185)
    static let numericArray = PostgresType(1231)
    static let uuidArray = PostgresType(2951)
    static let jsonbArray = PostgresType(3807)
}

/// Collects the bytes of one value.
package struct ValueWriter {
    private(set) var bytes: [UInt8]
    private(set) var isNull = false
    private(set) var failure: PostgresError?

    init(bytes: [UInt8] = []) { self.bytes = bytes }

    mutating func writeNull() { isNull = true }

    mutating func fail(_ reason: String) {
        if failure == nil { failure = PostgresError(.encoding, reason) }
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(contentsOf more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Appends an integer in network order.
    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        var shift = Number.bitWidth - 8
        while shift >= 0 {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            shift -= 8
        }
    }

    /// Appends a value with its length in front, −1 for NULL (array elements, COPY fields).
    mutating func appendSized(_ value: some PostgresEncodable) {
        let start = bytes.count
        append(Int32(0))
        isNull = false
        value.write(to: &self)
        let length = isNull ? Int32(-1) : Int32(bytes.count - start - 4)
        isNull = false
        for index in 0..<4 {
            bytes[start + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index))
        }
    }
}
