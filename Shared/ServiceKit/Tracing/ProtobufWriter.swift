/// Writes messages in the wire format of Protocol Buffers, as far as OTLP needs it.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// A number as varint; zero, the default, is left out.
    mutating func number(_ field: Int, _ value: Int) {
        guard value != 0 else { return }
        tag(field, 0)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// A number as varint, written also when it is zero: a member of a `oneof`.
    mutating func chosenNumber(_ field: Int, _ value: Int) {
        tag(field, 0)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// Eight bytes, little-endian.
    mutating func fixed64(_ field: Int, _ value: Int64) {
        tag(field, 1)
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Int64(shift)))
        }
    }

    /// Four bytes, little-endian.
    mutating func fixed32(_ field: Int, _ value: UInt32) {
        tag(field, 5)
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    /// Text or bytes.
    mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
        tag(field, 2)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Text in UTF-8.
    mutating func text(_ field: Int, _ value: String) { bytes(field, value.utf8) }

    /// A message within this one.
    mutating func message(_ field: Int, _ build: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        build(&inner)
        bytes(field, inner.bytes)
    }

    private mutating func tag(_ field: Int, _ type: UInt64) {
        varint(UInt64(field) << 3 | type)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
