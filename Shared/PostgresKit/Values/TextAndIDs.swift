package import FoundationEssentials
package import Kernel

/// Sent as text whose type the server infers, so it also fits uuid, date or enum columns.
extension String: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .inferred }
    package static var postgresArrayType: PostgresType { .inferred }

    package func write(to writer: inout ValueWriter) {
        if utf8.contains(0) { return writer.fail("text with a NUL character") }
        writer.append(contentsOf: utf8)
    }

    package static func read(from value: PostgresValue) throws(PostgresError) -> String {
        var bytes = unsafe try value.required("text")
        switch value.oid {
        // name, text, json, xml, unknown, bpchar, varchar, and what extensions and enums define.
        case 18, 19, 25, 114, 142, 705, 1042, 1043, 16384...: break
        case PostgresType.jsonb.oid where unsafe bytes.first == 1:
            unsafe bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        default: throw value.mismatch("text")
        }
        return unsafe String(decoding: bytes, as: UTF8.self)
    }
}

/// Enumerations with text values get all of it by `enum Status: String, PostgresArrayElement,
/// PostgresDecodable`; without that they can still be bound and read by themselves.
extension PostgresEncodable where Self: RawRepresentable, RawValue == String {
    package static var postgresType: PostgresType { .inferred }
    package func write(to writer: inout ValueWriter) { rawValue.write(to: &writer) }
}

extension PostgresArrayElement where Self: RawRepresentable, RawValue == String {
    package static var postgresArrayType: PostgresType { .inferred }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue == String {
    package static func read(from value: PostgresValue) throws(PostgresError) -> Self {
        let text = try String.read(from: value)
        guard let choice = Self(rawValue: text) else {
            throw PostgresError(.decoding, "an unknown value for \(Self.self)")
        }
        return choice
    }
}

extension UUID: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }

    package func write(to writer: inout ValueWriter) {
        let bits = uuid
        unsafe withUnsafeBytes(of: bits) { unsafe writer.append(contentsOf: $0) }
    }

    package static func read(from value: PostgresValue) throws(PostgresError) -> UUID {
        let bytes = unsafe try value.required("uuid")
        guard value.oid == PostgresType.uuid.oid, bytes.count == 16 else {
            throw value.mismatch("uuid")
        }
        return UUID(uuid: unsafe bytes.loadUnaligned(as: uuid_t.self))
    }
}

extension TypeID: PostgresEncodable, PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }
    package func write(to writer: inout ValueWriter) { uuid.write(to: &writer) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> TypeID<Tag> {
        TypeID(try UUID.read(from: value))
    }
}

extension Asset: PostgresEncodable, PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .inferred }
    package static var postgresArrayType: PostgresType { .inferred }
    package func write(to writer: inout ValueWriter) { code.write(to: &writer) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> Asset {
        guard let asset = Asset(try String.read(from: value)) else {
            throw PostgresError(.decoding, "expected an asset code")
        }
        return asset
    }
}

/// `timestamptz`, to the microsecond.
extension Timestamp: PostgresEncodable, PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .timestamptz }
    package static var postgresArrayType: PostgresType { .timestamptzArray }

    /// 2000-01-01, where the server's count begins, in microseconds since 1970.
    private static let serverEpoch: Int64 = 946_684_800_000_000

    package func write(to writer: inout ValueWriter) {
        let (value, overflow) = microseconds.subtractingReportingOverflow(Self.serverEpoch)
        if overflow { return writer.fail("an instant before the server's calendar") }
        writer.append(value)
    }

    package static func read(from value: PostgresValue) throws(PostgresError) -> Timestamp {
        let bytes = unsafe try value.required("timestamptz")
        guard value.oid == PostgresType.timestamptz.oid, bytes.count == 8 else {
            throw value.mismatch("timestamptz")
        }
        let (micros, overflow) = unsafe bytes.integer(as: Int64.self)
            .addingReportingOverflow(serverEpoch)
        if overflow { throw PostgresError(.decoding, "an instant beyond the calendar") }
        return Timestamp(microseconds: micros)
    }
}

/// Whole microseconds in a `bigint`.
extension Duration: PostgresEncodable, PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func write(to writer: inout ValueWriter) { writer.append(wholeMicroseconds) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> Duration {
        .microseconds(try Int64.read(from: value))
    }
}
