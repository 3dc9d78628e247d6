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
    package init?(firstBytes bytes: some Sequence<UInt8>) {
        var bits: UInt128 = 0
        var count = 0
        for byte in bytes.prefix(16) {
            bits = bits << 8 | UInt128(byte)
            count += 1
        }
        guard count == 16 else { return nil }
        self.init(bits: bits)
    }
}
