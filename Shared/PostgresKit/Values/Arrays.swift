/// Arrays of one dimension.
///
/// Source: PostgreSQL 15, `array_send` in src/backend/utils/adt/arrayfuncs.c; manual §8.15.2 for
/// text.
enum ArrayForm {
    static func write<Element: PostgresArrayElement>(
        _ array: [Element], to writer: inout ValueWriter
    ) {
        switch Element.postgresArrayType.format {
        case .binary: writeBinary(array, to: &writer)
        case .text: writeText(array, to: &writer)
        }
    }

    private static func writeBinary<Element: PostgresArrayElement>(
        _ array: [Element], to writer: inout ValueWriter
    ) {
        writer.append(Int32(array.isEmpty ? 0 : 1))
        // The flag says that NULLs may follow; the server looks for itself.
        writer.append(Int32(1))
        writer.append(Element.postgresType.oid)
        guard !array.isEmpty else { return }
        writer.append(Int32(clamping: array.count))
        writer.append(Int32(1))
        for element in array { writer.appendSized(element) }
    }

    private static func writeText<Element: PostgresArrayElement>(
        _ array: [Element], to writer: inout ValueWriter
    ) {
        writer.append(UInt8(ascii: "{"))
        for (index, element) in array.enumerated() {
            if index > 0 { writer.append(UInt8(ascii: ",")) }
            var part = ValueWriter()
            element.write(to: &part)
            if let failure = part.failure { writer.fail(failure.reason) }
            if part.isNull {
                writer.append(contentsOf: "NULL".utf8)
                continue
            }
            writer.append(UInt8(ascii: "\""))
            for byte in part.bytes {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    writer.append(UInt8(ascii: "\\"))
                }
                writer.append(byte)
            }
            writer.append(UInt8(ascii: "\""))
        }
        writer.append(UInt8(ascii: "}"))
    }

    static func read<Element: PostgresDecodable>(
        _ value: PostgresValue
    ) throws(PostgresError) -> [Element] {
        let bytes = unsafe try value.required("an array")
        let broken = PostgresError(.decoding, "expected an array, found type \(value.oid)")
        guard bytes.count >= 12 else { throw broken }
        let dimensions = unsafe bytes.integer(as: Int32.self)
        if dimensions == 0 { return [] }
        guard dimensions == 1, bytes.count >= 20 else { throw broken }
        let oid = unsafe bytes.integer(at: 8, as: UInt32.self)
        let count = Int(unsafe bytes.integer(at: 12, as: Int32.self))
        guard count >= 0, count <= bytes.count / 4 else { throw broken }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            guard offset + 4 <= bytes.count else { throw broken }
            let length = Int(unsafe bytes.integer(at: offset, as: Int32.self))
            offset += 4
            guard offset + max(length, 0) <= bytes.count else { throw broken }
            let part =
                length < 0
                ? nil : unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
            elements.append(try Element.read(from: PostgresValue(bytes: part, oid: oid)))
            offset += max(length, 0)
        }
        return elements
    }
}

extension PostgresArrayElement {
    package static func write(array: [Self], to writer: inout ValueWriter) {
        ArrayForm.write(array, to: &writer)
    }
}

/// An array of what can be an element; `[UInt8]` is `bytea`.
extension Array: PostgresEncodable where Element: PostgresArrayElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }
    package func write(to writer: inout ValueWriter) { Element.write(array: self, to: &writer) }
}

/// Arrays of byte strings: `[[UInt8]]` is `bytea[]`.
extension Array: PostgresArrayElement where Element == UInt8 {
    package static var postgresArrayType: PostgresType { .byteaArray }
    package static func write(array: [[UInt8]], to writer: inout ValueWriter) {
        ArrayForm.write(array, to: &writer)
    }
}

/// Only there so that `[UInt8]` is `bytea`; a single byte goes as a small integer.
extension UInt8: PostgresArrayElement {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .bytea }
    package func write(to writer: inout ValueWriter) { writer.append(Int16(self)) }
    package static func write(array: [UInt8], to writer: inout ValueWriter) {
        writer.append(contentsOf: array)
    }
}

extension UInt8: PostgresDecodable {
    package static func read(from value: PostgresValue) throws(PostgresError) -> UInt8 {
        try readInteger(from: value)
    }

    package static func read(arrayFrom value: PostgresValue) throws(PostgresError) -> [UInt8] {
        let bytes = unsafe try value.required("bytea")
        guard value.oid == PostgresType.bytea.oid else { throw value.mismatch("bytea") }
        return unsafe Array(bytes)
    }
}

extension PostgresDecodable {
    package static func read(arrayFrom value: PostgresValue) throws(PostgresError) -> [Self] {
        try ArrayForm.read(value)
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    package static func read(from value: PostgresValue) throws(PostgresError) -> [Element] {
        try Element.read(arrayFrom: value)
    }
}
