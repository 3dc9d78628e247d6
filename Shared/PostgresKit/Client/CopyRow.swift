/// Rows for `copy … from stdin`.
package enum CopyRow {
    /// A line for the text format, the default of COPY: nil is NULL, everything else is escaped.
    /// Text with NUL cannot be stored; the server refuses it.
    package static func text(_ fields: [String?]) -> [UInt8] {
        var line: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { line.append(UInt8(ascii: "\t")) }
            guard let field else {
                line += "\\N".utf8
                continue
            }
            for byte in field.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): line += "\\\\".utf8
                case UInt8(ascii: "\t"): line += "\\t".utf8
                case UInt8(ascii: "\n"): line += "\\n".utf8
                case UInt8(ascii: "\r"): line += "\\r".utf8
                default: line.append(byte)
                }
            }
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// What comes before the first row in the binary format (`copy … from stdin (format binary)`).
    ///
    /// Source: PostgreSQL 15 manual, COPY, "Binary Format".
    package static var binaryHeader: [UInt8] {
        Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)
    }

    /// What comes after the last row in the binary format.
    package static var binaryTrailer: [UInt8] { [0xFF, 0xFF] }

    /// A row in the binary format. Each value's type must be exactly its column's (`Int` is
    /// `bigint`). Throws `.encoding` for a value that cannot be sent.
    package static func binary(
        _ values: [any PostgresEncodable]
    ) throws(PostgresError) -> [UInt8] {
        var writer = ValueWriter()
        writer.append(Int16(clamping: values.count))
        for value in values { writer.appendSized(value) }
        if let failure = writer.failure { throw failure }
        return writer.bytes
    }
}
