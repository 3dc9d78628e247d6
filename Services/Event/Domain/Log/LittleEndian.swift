import FoundationEssentials
import Kernel

extension [UInt8] {
    /// Appends an integer, lowest byte first.
    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}

/// Reads what `append(littleEndian:)` wrote; nil at the first thing that is not there.
struct LittleEndianReader {
    private let bytes: [UInt8]
    private var index = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { index == bytes.count }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        let width = Value.bitWidth / 8
        guard bytes.count - index >= width else { return nil }
        defer { index += width }
        return (0..<width).reversed().reduce(Value.zero) { value, place in
            value << 8 | Value(truncatingIfNeeded: bytes[index + place])
        }
    }

    mutating func text(length: Int) -> String? {
        guard bytes.count - index >= length else { return nil }
        defer { index += length }
        return String(validating: bytes[index..<index + length], as: UTF8.self)
    }

    mutating func uuid() -> UUID? {
        guard bytes.count - index >= 16 else { return nil }
        defer { index += 16 }
        return UUID(firstBytes: bytes[index..<index + 16])
    }

    /// A 16-bit count and that many elements.
    mutating func table<Element>(_ element: (inout Self) -> Element?) -> [Element]? {
        guard let count = integer(UInt16.self) else { return nil }
        var elements: [Element] = []
        for _ in 0..<count {
            guard let value = element(&self) else { return nil }
            elements.append(value)
        }
        return elements
    }
}
