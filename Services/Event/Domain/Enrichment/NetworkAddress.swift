/// An IP address. IPv4 in its IPv6 form is the same address.
struct NetworkAddress: Sendable, Hashable {
    /// The address as a number; the top bits of 32 or 128.
    let number: UInt128
    let isIPv4: Bool

    var bits: Int { isIPv4 ? 32 : 128 }

    init(number: UInt128, isIPv4: Bool) {
        self.number = number
        self.isIPv4 = isIPv4
    }

    /// Nil for anything but the numbers of an address; a zone (`%eth0`) is not looked at.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 64 else { return nil }
        let plain = text.split(separator: "%", omittingEmptySubsequences: false)[0]
        if let number = Self.version4(plain) {
            self.init(number: number, isIPv4: true)
            return
        }
        guard let number = Self.version6(plain) else { return nil }
        let isMapped = number >> 32 == 0xFFFF
        self.init(number: isMapped ? number & 0xFFFF_FFFF : number, isIPv4: isMapped)
    }

    /// The network of so many bits that the address is in, as its first address.
    func network(_ prefix: Int) -> NetworkAddress {
        let mask = prefix == 0 ? 0 : UInt128.max << UInt128(bits - prefix)
        return NetworkAddress(number: number & mask, isIPv4: isIPv4)
    }

    /// Always the same text for the same address.
    var canonical: String { (isIPv4 ? "4:" : "6:") + String(number, radix: 16) }

    private static func version4(_ text: some StringProtocol) -> UInt128? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt128 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count),
                part.utf8.allSatisfy({ (48...57).contains($0) }),
                part.utf8.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            number = number << 8 | UInt128(byte)
        }
        return number
    }

    private static func version6(_ text: some StringProtocol) -> UInt128? {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard text.contains(":"), halves.count <= 2 else { return nil }
        guard let head = groups(halves[0], isLast: halves.count == 1) else { return nil }
        var all = head
        if halves.count == 2 {
            guard let tail = groups(halves[1], isLast: true), head.count + tail.count <= 7 else {
                return nil
            }
            all += Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        }
        guard all.count == 8 else { return nil }
        return all.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// Groups of four digits; the last two may be written as IPv4.
    private static func groups(_ text: some StringProtocol, isLast: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if isLast, index == parts.count - 1, let number = version4(part) {
                groups += [UInt16(number >> 16), UInt16(number & 0xFFFF)]
                continue
            }
            guard (1...4).contains(part.utf8.count),
                part.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
                let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups.count <= 8 ? groups : nil
    }
}

/// A network as it is written: `203.0.113.0/24`.
struct NetworkBlock: Sendable, Hashable {
    let first: NetworkAddress
    let prefix: Int

    /// An address alone is a network of itself. Nil when bits behind the prefix are set.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = NetworkAddress(parts[0]) else { return nil }
        var prefix = address.bits
        if parts.count == 2 {
            // The prefix of an IPv4 address in its IPv6 form would count other bits.
            guard let bits = Int(parts[1]), (0...address.bits).contains(bits),
                address.isIPv4 == !parts[0].contains(":")
            else { return nil }
            prefix = bits
        }
        guard address.network(prefix) == address else { return nil }
        first = address
        self.prefix = prefix
    }

    var last: UInt128 {
        let free = first.bits - prefix
        return free == 128 ? UInt128.max : first.number + ((UInt128(1) << UInt128(free)) - 1)
    }
}
