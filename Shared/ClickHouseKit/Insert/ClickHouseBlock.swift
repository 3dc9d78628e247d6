package import FoundationEssentials
package import Kernel

/// Rows for one insert, in the format RowBinary.
///
/// Every row gives a value for every column of the list, in its order: 18.16 would fill absent ones
/// with zeros, whatever their DEFAULT.
package struct ClickHouseBlock: Sendable {
    /// The most rows of one insert that the server takes as one block, so that it is all or
    /// nothing (`max_insert_block_size` is 1,048,576).
    package static let maximumRows = 1_000_000

    package let columns: [String]
    package private(set) var rowCount = 0
    /// The rows' bytes.
    package private(set) var bytes: [UInt8] = []

    /// An empty block for these columns.
    package init(columns: [String]) {
        self.columns = columns
    }

    /// Adds a row. `write` gives the values in the columns' order and in the columns' types; a
    /// wrong number of them is a mistake in the program that ends it.
    package mutating func append(_ write: (inout RowBinaryWriter) -> Void) {
        var writer = RowBinaryWriter(bytes: bytes)
        bytes = []
        write(&writer)
        precondition(writer.count == columns.count, "a row has another number of values")
        bytes = writer.bytes
        rowCount += 1
    }

    /// Adds the rows of another block with the same columns.
    package mutating func append(_ other: ClickHouseBlock) {
        precondition(other.columns == columns, "the blocks have different columns")
        bytes += other.bytes
        rowCount += other.rowCount
    }
}

/// Writes the values of a row, each as its column's type wants it.
///
/// Source: ClickHouse documentation, formats, RowBinary: little-endian, strings with a LEB128
/// length.
package struct RowBinaryWriter {
    fileprivate var bytes: [UInt8]
    fileprivate var count = 0

    fileprivate init(bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    /// `String`.
    package mutating func string(_ text: String) {
        count += 1
        let utf8 = text.utf8
        length(utf8.count)
        bytes.append(contentsOf: utf8)
    }

    /// `String` of bytes that need not be text.
    package mutating func string(bytes content: [UInt8]) {
        count += 1
        length(content.count)
        bytes += content
    }

    /// `UInt8`.
    package mutating func uint8(_ value: UInt8) { fixed(value) }

    /// `UInt16`.
    package mutating func uint16(_ value: UInt16) { fixed(value) }

    /// `UInt32`.
    package mutating func uint32(_ value: UInt32) { fixed(value) }

    /// `UInt64`.
    package mutating func uint64(_ value: UInt64) { fixed(value) }

    /// `Int64`.
    package mutating func int64(_ value: Int64) { fixed(value) }

    /// `Decimal(38,0)`.
    package mutating func decimal(_ value: Int128) { fixed(value) }

    /// `DateTime`: whole seconds, rounded down, 1970 to 2106.
    package mutating func dateTime(_ value: Timestamp) { fixed(value.clickHouseSeconds) }

    /// `UUID`: two 64-bit halves, each little-endian.
    package mutating func uuid(_ value: UUID) {
        fixed(UInt64(truncatingIfNeeded: value.bits >> 64))
        fixed(UInt64(truncatingIfNeeded: value.bits))
        count -= 1
    }

    private mutating func fixed(_ value: some FixedWidthInteger) {
        count += 1
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func length(_ value: Int) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
