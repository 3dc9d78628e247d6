package import FoundationEssentials

/// UUIDs from and to plain numbers and bytes. `UUID()` is only for chance: it opens the system's
/// random device, which costs more than everything else that is done with an id.
extension UUID {
    /// All bits zero.
    package static let zero = UUID(bits: 0)

    /// The UUID whose bytes, in their order, are the number's from the highest on.
    package init(bits: UInt128) {
        let big = bits.bigEndian
        self.init(uuid: unsafeBitCast(big, to: uuid_t.self))
    }

    /// The bytes as a number, the first byte highest.
    package var bits: UInt128 { UInt128(bigEndian: unsafeBitCast(uuid, to: UInt128.self)) }

    /// The 16 bytes in their order.
    package var bytes: [UInt8] {
        let bits = bits
        return (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
    }

    /// The UUID of the first 16 bytes; nil of fewer.
    package init?(firstBytes bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 16 else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for offset in 0..<8 {
            high = high << 8 | UInt64(bytes[bytes.startIndex + offset])
            low = low << 8 | UInt64(bytes[bytes.startIndex + 8 + offset])
        }
        self.init(bits: UInt128(high) << 64 | UInt128(low))
    }

    /// The UUID of the first 16 bytes; nil of fewer.
    package init?(firstBytes bytes: [UInt8]) {
        self.init(firstBytes: bytes[...])
    }
}
