import Kernel

/// Amounts as others write them, in units of the asset. Nothing is rounded: an amount that is no
/// whole number of units is none.
enum ExactAmount {
    /// `598.94` in the asset's units; nil for anything but a plain decimal number, and for more
    /// places than the asset has.
    static func read(decimal text: String, _ asset: Asset) -> Amount? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let parts = text.utf8.dropFirst(isNegative ? 1 : 0)
            .split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } })
        else { return nil }
        var fraction = Array(parts.count == 2 ? parts[1] : "".utf8[...])
        while fraction.count > asset.scale {
            guard fraction.popLast() == UInt8(ascii: "0") else { return nil }
        }
        let zeros = repeatElement(UInt8(ascii: "0"), count: asset.scale - fraction.count)
        let digits = parts[0].drop { $0 == UInt8(ascii: "0") } + fraction + zeros
        return amount(digits: Array(digits), isNegative, asset)
    }

    /// So many steps of 10^-`scale`, as payment providers count; nil when the asset has no such
    /// small unit.
    static func read(steps text: String, scale: Int, _ asset: Asset) -> Amount? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        var digits = Array(text.utf8.dropFirst(isNegative ? 1 : 0))
        guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        if asset.scale >= scale {
            digits += repeatElement(UInt8(ascii: "0"), count: asset.scale - scale)
        } else {
            for _ in asset.scale..<scale where !digits.isEmpty {
                guard digits.popLast() == UInt8(ascii: "0") else { return nil }
            }
        }
        return amount(
            digits: Array(digits.drop { $0 == UInt8(ascii: "0") }), isNegative, asset)
    }

    private static func amount(digits: [UInt8], _ isNegative: Bool, _ asset: Asset) -> Amount? {
        guard digits.count <= 38 else { return nil }
        let text = digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self)
        return Int128(text).flatMap { try? Amount(units: isNegative ? -$0 : $0, asset: asset) }
    }
}

extension Amount {
    var document: JSONValue {
        ["units": .string(String(units)), "asset": .string(asset.code)]
    }
}
