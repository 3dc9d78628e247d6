extension Bool: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .bool }
    package static var postgresArrayType: PostgresType { .boolArray }

    package func write(to writer: inout ValueWriter) { writer.append(UInt8(self ? 1 : 0)) }

    package static func read(from value: PostgresValue) throws(PostgresError) -> Bool {
        let bytes = unsafe try value.required("bool")
        guard value.oid == PostgresType.bool.oid, bytes.count == 1 else {
            throw value.mismatch("bool")
        }
        return unsafe bytes[0] != 0
    }
}

/// Whole numbers: any integer column is read when the number fits, and `numeric` without a
/// fraction.
extension FixedWidthInteger {
    static func readInteger(from value: PostgresValue) throws(PostgresError) -> Self {
        let bytes = unsafe try value.required("a whole number")
        let wide: Int128
        switch (value.oid, bytes.count) {
        case (PostgresType.int8.oid, 8): wide = Int128(unsafe bytes.integer(as: Int64.self))
        case (PostgresType.int4.oid, 4): wide = Int128(unsafe bytes.integer(as: Int32.self))
        case (PostgresType.int2.oid, 2): wide = Int128(unsafe bytes.integer(as: Int16.self))
        case (PostgresType.numeric.oid, _): wide = unsafe try NumericForm.read(bytes)
        default: throw value.mismatch("a whole number")
        }
        guard let number = Self(exactly: wide) else {
            throw PostgresError(.decoding, "the number does not fit \(Self.self)")
        }
        return number
    }
}

extension Int16: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .int2Array }
    package func write(to writer: inout ValueWriter) { writer.append(self) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> Int16 {
        try readInteger(from: value)
    }
}

extension Int32: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .int4 }
    package static var postgresArrayType: PostgresType { .int4Array }
    package func write(to writer: inout ValueWriter) { writer.append(self) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> Int32 {
        try readInteger(from: value)
    }
}

extension Int64: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func write(to writer: inout ValueWriter) { writer.append(self) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> Int64 {
        try readInteger(from: value)
    }
}

extension Int: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func write(to writer: inout ValueWriter) { writer.append(Int64(self)) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> Int {
        try readInteger(from: value)
    }
}

/// `numeric` without a fraction, at most 38 digits.
extension Int128: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .numeric }
    package static var postgresArrayType: PostgresType { .numericArray }
    package func write(to writer: inout ValueWriter) { NumericForm.write(self, to: &writer) }
    package static func read(from value: PostgresValue) throws(PostgresError) -> Int128 {
        try readInteger(from: value)
    }
}

extension Double: PostgresArrayElement, PostgresDecodable {
    package static var postgresType: PostgresType { .float8 }
    package static var postgresArrayType: PostgresType { .float8Array }
    package func write(to writer: inout ValueWriter) { writer.append(bitPattern) }

    package static func read(from value: PostgresValue) throws(PostgresError) -> Double {
        let bytes = unsafe try value.required("a floating-point number")
        switch (value.oid, bytes.count) {
        case (PostgresType.float8.oid, 8):
            return Double(bitPattern: unsafe bytes.integer(as: UInt64.self))
        case (700, 4):
            return Double(Float(bitPattern: unsafe bytes.integer(as: UInt32.self)))
        default: throw value.mismatch("a floating-point number")
        }
    }
}

/// The binary form of `numeric`: digits in base 10,000 with the weight of the first.
///
/// Source: PostgreSQL 15, `numeric_send` and `numeric_recv` in src/backend/utils/adt/numeric.c.
enum NumericForm {
    private static let negative: UInt16 = 0x4000
    private static let limit = UInt128("99999999999999999999999999999999999999") ?? 0

    static func write(_ number: Int128, to writer: inout ValueWriter) {
        var rest = number.magnitude
        guard rest <= limit else { return writer.fail("a number has more than 38 digits") }
        var digits: [Int16] = []
        while rest > 0 {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10_000)
            digits.append(Int16(remainder))
            rest = quotient
        }
        let weight = Int16(digits.count) - 1
        // Trailing zero digits are not written: the weight says how many there are.
        let written = digits.drop { $0 == 0 }.reversed()
        writer.append(Int16(written.count))
        writer.append(max(weight, 0))
        writer.append(number < 0 ? negative : 0)
        writer.append(Int16(0))
        for digit in written { writer.append(digit) }
    }

    @unsafe static func read(_ bytes: UnsafeRawBufferPointer) throws(PostgresError) -> Int128 {
        guard bytes.count >= 8 else { throw PostgresError(.decoding, "a broken numeric") }
        let count = Int(unsafe bytes.integer(as: UInt16.self))
        let weight = Int(unsafe bytes.integer(at: 2, as: Int16.self))
        let sign = unsafe bytes.integer(at: 4, as: UInt16.self)
        guard bytes.count == 8 + 2 * count else {
            throw PostgresError(.decoding, "a broken numeric")
        }
        guard sign == 0 || sign == negative else {
            throw PostgresError(.decoding, "a numeric that is not a number")
        }
        var magnitude: Int128 = 0
        for index in 0..<max(count, count == 0 ? 0 : weight + 1) {
            let digit = index < count ? unsafe bytes.integer(at: 8 + 2 * index, as: Int16.self) : 0
            guard index <= weight else {
                if digit == 0 { continue }
                throw PostgresError(.decoding, "a numeric with a fraction")
            }
            let (product, over) = magnitude.multipliedReportingOverflow(by: 10_000)
            let (sum, overSum) = product.addingReportingOverflow(Int128(digit))
            guard !over, !overSum else {
                throw PostgresError(.decoding, "a numeric too large for 128 bits")
            }
            magnitude = sum
        }
        return sign == negative ? -magnitude : magnitude
    }
}
