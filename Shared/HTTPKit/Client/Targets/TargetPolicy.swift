/// Which addresses a request may go to, decided for each resolved address, not for its name.
package struct TargetPolicy: Sendable {
    /// Nil refuses nothing.
    let allows: (@Sendable (SocketAddress) -> Bool)?

    init(allows: (@Sendable (SocketAddress) -> Bool)?) { self.allows = allows }

    /// Whoever the URL names: for peers that the operator configures.
    package static let any = TargetPolicy(allows: nil)

    /// Addresses of the public Internet only: for URLs that come from outside. Loopback, private,
    /// link-local, multicast and reserved addresses are refused, and IPv6 forms that hold an IPv4
    /// address.
    package static let publicOnly = TargetPolicy { $0.isPublic }

    var isRestricted: Bool { allows != nil }
}

/// An IP address with its port, as a name resolved to.
struct SocketAddress: Sendable, Hashable {
    /// 4 or 16 bytes; empty for anything that is not IP.
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Whether it is an address of the public Internet where a stranger's server may be.
    ///
    /// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and updates).
    var isPublic: Bool {
        switch bytes.count {
        case 4: !Self.reservedIPv4.contains { $0.contains(bytes) }
        // All global unicast addresses so far begin with 001; the rest is loopback, link-local,
        // unique local, multicast, mapped or translated IPv4, or not given to anybody.
        case 16: bytes[0] >> 5 == 1 && !Self.reservedIPv6.contains { $0.contains(bytes) }
        default: false
        }
    }

    private static let reservedIPv4: [AddressBlock] = [
        // "This network", private networks, carriers' shared space.
        AddressBlock([0], 8), AddressBlock([10], 8), AddressBlock([100, 64], 10),
        // Loopback, link-local (with most clouds' metadata), private.
        AddressBlock([127], 8), AddressBlock([169, 254], 16), AddressBlock([172, 16], 12),
        // Protocol assignments (with a cloud's metadata), documentation, 6to4 relays, AS112.
        AddressBlock([192, 0, 0], 24), AddressBlock([192, 0, 2], 24),
        AddressBlock([192, 31, 196], 24), AddressBlock([192, 52, 193], 24),
        AddressBlock([192, 88, 99], 24), AddressBlock([192, 168], 16),
        AddressBlock([192, 175, 48], 24),
        // Benchmarks, documentation.
        AddressBlock([198, 18], 15), AddressBlock([198, 51, 100], 24),
        AddressBlock([203, 0, 113], 24),
        // The host's agent in one cloud, although a public address.
        AddressBlock([168, 63, 129, 16], 32),
        // Multicast, reserved, broadcast.
        AddressBlock([224], 4), AddressBlock([240], 4),
    ]

    private static let reservedIPv6: [AddressBlock] = [
        // Protocol assignments with Teredo, documentation, 6to4 (they hold IPv4 addresses).
        AddressBlock([0x20, 0x01, 0x00], 23), AddressBlock([0x20, 0x01, 0x0D, 0xB8], 32),
        AddressBlock([0x20, 0x02], 16), AddressBlock([0x3F, 0xFF, 0x00], 20),
        AddressBlock([0x26, 0x20, 0x00, 0x4F, 0x80, 0x00], 48),
    ]
}

/// Addresses that begin with the same bits.
struct AddressBlock: Sendable {
    private let prefix: [UInt8]
    private let bits: Int

    init(_ prefix: [UInt8], _ bits: Int) {
        self.prefix = prefix
        self.bits = bits
    }

    func contains(_ address: [UInt8]) -> Bool {
        for index in 0..<((bits + 7) / 8) {
            let left = min(8, bits - index * 8)
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> left)
            let wanted = index < prefix.count ? prefix[index] : 0
            guard index < address.count, address[index] & mask == wanted & mask else {
                return false
            }
        }
        return true
    }
}
