/// What an amount counts: a currency, a token, points. Known by a short upper-case code.
package struct Asset: Sendable, Hashable, CustomStringConvertible {
    /// 2 to 12 characters, `A`–`Z` and `0`–`9`, a letter first (`USD`, `STAR`, `PT`).
    package let code: String

    /// Nil when the code is not of that form.
    package init?(_ code: String) {
        guard (2...12).contains(code.utf8.count),
            code.utf8.allSatisfy({ (65...90).contains($0) || (48...57).contains($0) }),
            code.utf8.first.map({ (65...90).contains($0) }) == true
        else { return nil }
        self.code = code
    }

    package var description: String { code }

    /// Decimal places of the written amount: an amount of 2000 with scale 2 reads 20.00.
    ///
    /// Source: ISO 4217 minor units for the currencies without two places. Unknown codes count as
    /// 2.
    package var scale: Int {
        switch code {
        case "STAR", "PT", "JPY", "KRW", "CLP", "VND", "ISK", "UGX", "XAF", "XOF": 0
        case "BHD", "KWD", "OMR", "JOD", "TND", "IQD", "LYD": 3
        case "USDC", "USDT": 6
        case "BTC": 8
        case "ETH": 18
        default: 2
        }
    }
}

extension Asset: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let asset = Asset(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "Expected an asset code such as USD.")
        }
        self = asset
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}
