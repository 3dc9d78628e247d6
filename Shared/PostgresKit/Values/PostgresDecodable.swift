/// A value that can be read from a column.
package protocol PostgresDecodable: Sendable {
    /// Reads the value. Throws `.decoding` when the column's type or content does not fit.
    static func read(from value: PostgresValue) throws(PostgresError) -> Self

    /// Reads a whole array of these; there is a default.
    static func read(arrayFrom value: PostgresValue) throws(PostgresError) -> [Self]
}

/// The bytes of one field in binary format; valid only while its row is being read.
@safe package struct PostgresValue {
    /// Nil for NULL.
    let bytes: UnsafeRawBufferPointer?
    /// The object id of the column's type.
    let oid: UInt32

    @safe init(bytes: UnsafeRawBufferPointer?, oid: UInt32) {
        unsafe self.bytes = bytes
        self.oid = oid
    }

    @safe var isNull: Bool { unsafe bytes == nil }

    /// The bytes, or an error for NULL.
    @unsafe func required(_ wanted: String) throws(PostgresError) -> UnsafeRawBufferPointer {
        guard let bytes = unsafe bytes else {
            throw PostgresError(.decoding, "expected \(wanted), found NULL")
        }
        return unsafe bytes
    }

    func mismatch(_ wanted: String) -> PostgresError {
        PostgresError(.decoding, "expected \(wanted), found type \(oid)")
    }
}

extension UnsafeRawBufferPointer {
    /// Reads an integer in network order; the caller has checked that it lies inside.
    @unsafe func integer<Number: FixedWidthInteger>(
        at offset: Int = 0, as type: Number.Type = Number.self
    ) -> Number {
        Number(bigEndian: unsafe loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var postgresType: PostgresType { Wrapped.postgresType }

    package func write(to writer: inout ValueWriter) {
        switch self {
        case .some(let value): value.write(to: &writer)
        case .none: writer.writeNull()
        }
    }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }

    package static func write(array: [Self], to writer: inout ValueWriter) {
        ArrayForm.write(array, to: &writer)
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func read(from value: PostgresValue) throws(PostgresError) -> Wrapped? {
        value.isNull ? nil : try Wrapped.read(from: value)
    }
}
