/// An amount of an asset in its smallest steps. Never floating point.
///
/// On the wire `{"units":"2000","asset":"USD"}`: a decimal string, because JSON readers round large
/// numbers. At most 38 digits, what `numeric(38,0)` and `Decimal(38,0)` hold.
package struct Amount: Sendable, Hashable {
    package let units: Int128
    package let asset: Asset

    /// The largest magnitude: 38 nines.
    package static let maximumUnits = Int128("99999999999999999999999999999999999999") ?? 0

    /// Why arithmetic was refused.
    package enum Failure: Error, Sendable, Hashable {
        /// The result does not fit 38 digits.
        case overflow
        /// The two amounts count different things.
        case differentAssets(Asset, Asset)
    }

    /// Throws `.overflow` beyond 38 digits.
    package init(units: Int128, asset: Asset) throws(Failure) {
        guard units.magnitude <= Self.maximumUnits.magnitude else { throw .overflow }
        self.units = units
        self.asset = asset
    }

    private init(unchecked units: Int128, asset: Asset) {
        self.units = units
        self.asset = asset
    }

    /// Nothing, of this asset.
    package static func zero(_ asset: Asset) -> Amount { Amount(unchecked: 0, asset: asset) }

    /// Throws `.differentAssets`, or `.overflow` beyond 38 digits.
    package func adding(_ other: Amount) throws(Failure) -> Amount {
        guard asset == other.asset else { throw .differentAssets(asset, other.asset) }
        // Two 38-digit numbers cannot overflow 127 bits' worth of 10^38 by more than one doubling.
        let (sum, overflow) = units.addingReportingOverflow(other.units)
        guard !overflow else { throw .overflow }
        return try Amount(units: sum, asset: asset)
    }

    /// May be negative. Throws like `adding`.
    package func subtracting(_ other: Amount) throws(Failure) -> Amount {
        try adding(Amount(unchecked: -other.units, asset: other.asset))
    }

    /// The share that `basisPoints` (1/100 of a percent) make, rounded down to the unit.
    ///
    /// Split into quotient and remainder first, so that it cannot overflow for up to 10,000 basis
    /// points.
    package func share(_ basisPoints: BasisPoints) throws(Failure) -> Amount {
        let (quotient, remainder) = units.quotientAndRemainder(dividingBy: 10_000)
        let factor = Int128(basisPoints.value)
        let (whole, overflow) = quotient.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw .overflow }
        var part = remainder * factor / 10_000
        if remainder < 0, remainder * factor % 10_000 != 0 { part -= 1 }
        return try Amount(units: whole + part, asset: asset)
    }

    /// Parts in proportion to `weights`, each rounded down; the remainder goes to the part at
    /// `remainderTo`, so that the parts sum to the whole. Weights are not negative and not all
    /// zero.
    package func split(weights: [Int], remainderTo index: Int) throws(Failure) -> [Amount] {
        let total = Int128(weights.reduce(0, +))
        precondition(total > 0 && weights.allSatisfy { $0 >= 0 } && weights.indices.contains(index))
        let (quotient, remainder) = units.quotientAndRemainder(dividingBy: total)
        var parts = weights.map { quotient * Int128($0) + remainder * Int128($0) / total }
        parts[index] += units - parts.reduce(0, +)
        let asset = self.asset
        return parts.map { Amount(unchecked: $0, asset: asset) }
    }
}

extension Amount: Comparable {
    /// Amounts of different assets have no order; comparing them is a programming error.
    package static func < (left: Amount, right: Amount) -> Bool {
        precondition(left.asset == right.asset, "Amounts of different assets have no order.")
        return left.units < right.units
    }
}

extension Amount: Codable {
    private enum CodingKeys: String, CodingKey { case units, asset }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let text = try container.decode(String.self, forKey: .units)
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard (1...38).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            text == "0" || digits.first != UInt8(ascii: "0"), let units = Int128(text)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .units, in: container,
                debugDescription: "Expected a whole number of at most 38 digits as a string.")
        }
        self.init(unchecked: units, asset: try container.decode(Asset.self, forKey: .asset))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(String(units), forKey: .units)
        try container.encode(asset, forKey: .asset)
    }
}

extension Amount: CustomStringConvertible {
    /// For logs and people: `20.00 USD`.
    package var description: String {
        var digits = String(units.magnitude)
        if asset.scale > 0 {
            digits = String(repeating: "0", count: max(0, asset.scale + 1 - digits.count)) + digits
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -asset.scale))
        }
        return "\(units < 0 ? "-" : "")\(digits) \(asset.code)"
    }
}

/// Hundredths of a percent, 0 to 10,000.
package struct BasisPoints: Sendable, Hashable, Codable {
    package let value: Int

    /// Nil outside 0 to 10,000.
    package init?(_ value: Int) {
        guard (0...10_000).contains(value) else { return nil }
        self.value = value
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let points = Self(try container.decode(Int.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "Expected 0 to 10000 basis points.")
        }
        self = points
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
