import Foundation
import Kernel
import Testing

@Suite struct AmountTests {
    private let dollar: Asset
    private let star: Asset

    init() throws {
        dollar = try #require(Asset("USD"))
        star = try #require(Asset("STAR"))
    }

    private func dollars(_ units: Int128) throws -> Amount {
        try Amount(units: units, asset: dollar)
    }

    @Test func `38 digits fit and 39 do not`() throws {
        let largest = try dollars(Amount.maximumUnits)
        #expect(String(largest.units) == String(repeating: "9", count: 38))
        #expect(try dollars(-Amount.maximumUnits).units == -Amount.maximumUnits)
        #expect(throws: Amount.Failure.overflow) { try dollars(Amount.maximumUnits + 1) }
        #expect(throws: Amount.Failure.overflow) { try dollars(-Amount.maximumUnits - 1) }
        #expect(throws: Amount.Failure.overflow) { try dollars(.max) }
        #expect(throws: Amount.Failure.overflow) { try dollars(.min) }
        #expect(throws: Amount.Failure.overflow) { try largest.adding(dollars(1)) }
        #expect(throws: Amount.Failure.overflow) { try largest.adding(largest) }
        #expect(throws: Amount.Failure.overflow) { try dollars(-1).subtracting(largest) }
        #expect(try largest.subtracting(largest) == .zero(dollar))
    }

    @Test func `amounts of different assets do not mix`() throws {
        let stars = try Amount(units: 1, asset: star)
        #expect(throws: Amount.Failure.differentAssets(dollar, star)) {
            try dollars(1).adding(stars)
        }
        #expect(throws: Amount.Failure.differentAssets(star, dollar)) {
            try stars.subtracting(dollars(1))
        }
        #expect(try dollars(1) != stars)
    }

    @Test(
        arguments: [
            (1999, 1000, 199), (2000, 10_000, 2000), (2000, 0, 0), (1, 9999, 0), (9999, 1, 0),
            (10_000, 1, 1), (123_456_789, 1234, 15_234_567), (-1999, 1000, -200),
            (-2000, 1000, -200),
            (-1, 1, -1),
        ] as [(Int128, Int, Int128)])
    func `a share is rounded down to the unit`(units: Int128, points: Int, share: Int128) throws {
        let points = try #require(BasisPoints(points))
        #expect(try dollars(units).share(points).units == share)
    }

    @Test func `shares of the largest amount do not overflow`() throws {
        let largest = try dollars(Amount.maximumUnits)
        for value in [0, 1, 3333, 9999, 10_000] {
            let points = try #require(BasisPoints(value))
            // floor((10^38 - 1) v / 10^4) = v 10^34 - 1, for v > 0.
            var expected = Int128(value)
            for _ in 0..<34 { expected *= 10 }
            let share = try largest.share(points).units
            #expect(share == (value == 0 ? 0 : expected - 1))
        }
    }

    @Test(
        arguments: [
            (100, [1, 1, 1], 0, [34, 33, 33]), (100, [1, 1, 1], 2, [33, 33, 34]),
            (5, [3, 2], 0, [3, 2]), (1, [1, 1], 1, [0, 1]), (0, [1, 2], 0, [0, 0]),
            (7, [0, 5], 0, [0, 7]), (7, [0, 3, 4], 0, [0, 3, 4]), (10, [7], 0, [10]),
            (-100, [1, 1, 1], 0, [-34, -33, -33]),
        ] as [(Int128, [Int], Int, [Int128])])
    func `a split is in proportion and its remainder goes where the rule says`(
        units: Int128, weights: [Int], index: Int, parts: [Int128]
    ) throws {
        #expect(
            try dollars(units).split(weights: weights, remainderTo: index).map(\.units) == parts)
    }

    @Test func `the parts of a split sum to the whole, however odd the weights`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let units = Int128.random(
                in: -Amount.maximumUnits...Amount.maximumUnits, using: &generator)
            let weights =
                [Int.random(in: 1...Int(Int32.max))]
                + (0..<Int.random(in: 0...6)).map { _ in Int.random(in: 0...Int(Int32.max)) }
            let index = Int.random(in: weights.indices)
            let parts = try dollars(units).split(weights: weights, remainderTo: index)
            #expect(parts.reduce(Int128(0)) { $0 + $1.units } == units)
        }
        let extreme = try dollars(Amount.maximumUnits)
            .split(weights: [Int.max - 1, 1], remainderTo: 1)
        #expect(extreme[0].units + extreme[1].units == Amount.maximumUnits)
        #expect(extreme[0] > extreme[1])
    }

    @Test func `an amount is decimal text in JSON`() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let largest = String(repeating: "9", count: 38)
        for units in ["0", "2000", "-1", largest, "-" + largest] {
            let json = #"{"asset":"USD","units":"\#(units)"}"#
            let amount = try JSONDecoder().decode(Amount.self, from: Data(json.utf8))
            #expect(String(amount.units) == units)
            #expect(String(decoding: try encoder.encode(amount), as: UTF8.self) == json)
        }
    }

    @Test(arguments: [
        #"{"units":2000,"asset":"USD"}"#, #"{"units":"","asset":"USD"}"#,
        #"{"units":"-","asset":"USD"}"#, #"{"units":"+1","asset":"USD"}"#,
        #"{"units":"1.0","asset":"USD"}"#, #"{"units":"01","asset":"USD"}"#,
        #"{"units":"-01","asset":"USD"}"#, #"{"units":"-0","asset":"USD"}"#,
        #"{"units":" 1","asset":"USD"}"#, #"{"units":"1e3","asset":"USD"}"#,
        #"{"units":"0x10","asset":"USD"}"#, #"{"units":"١","asset":"USD"}"#,
        #"{"units":"100000000000000000000000000000000000000","asset":"USD"}"#,
        #"{"units":"1","asset":"usd"}"#, #"{"units":"1"}"#, #"{"asset":"USD"}"#,
        #"{"units":null,"asset":"USD"}"#,
    ])
    func `every other way to write an amount is refused`(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Amount.self, from: Data(json.utf8))
        }
    }

    @Test func `an amount reads as people write it`() throws {
        #expect(try dollars(2000).description == "20.00 USD")
        #expect(try dollars(-5).description == "-0.05 USD")
        #expect(try dollars(0).description == "0.00 USD")
        #expect(try Amount(units: 12, asset: star).description == "12 STAR")
        let ether = try #require(Asset("ETH"))
        #expect(
            try Amount(units: 1_500_000_000_000_000_000, asset: ether).description
                == "1.500000000000000000 ETH")
    }
}

@Suite struct AssetTests {
    @Test(arguments: ["USD", "PT", "STAR", "A1", "ABCDEFGHIJKL"])
    func `an asset's code is short and in capitals`(code: String) {
        #expect(Asset(code)?.code == code)
    }

    @Test(arguments: ["", "A", "usd", "1A", "US D", "ABCDEFGHIJKLM", "ÜSD", "US-D", "USD\n"])
    func `other codes are refused`(code: String) {
        #expect(Asset(code) == nil)
    }

    @Test func `basis points reach from nothing to the whole`() throws {
        #expect(BasisPoints(-1) == nil)
        #expect(BasisPoints(10_001) == nil)
        let points = try #require(BasisPoints(250))
        #expect(String(decoding: try JSONEncoder().encode(points), as: UTF8.self) == "250")
        #expect(try JSONDecoder().decode(BasisPoints.self, from: Data("250".utf8)) == points)
        for wrong in ["-1", "10001", "\"1\"", "1.5", "null"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(BasisPoints.self, from: Data(wrong.utf8))
            }
        }
    }
}
