import Kernel
import Testing

@testable import EventService

@Suite struct ExactAmountTests {
    private func units(_ text: String, _ asset: String) throws -> String? {
        let asset = try #require(Asset(asset))
        return ExactAmount.read(decimal: text, asset).map { String($0.units) }
    }

    @Test func `a decimal is so many units, exactly`() throws {
        #expect(try units("598.94", "USD") == "59894")
        #expect(try units("0.1", "USD") == "10")
        #expect(try units("00012.3000", "USD") == "1230")
        #expect(try units("-7", "USD") == "-700")
        #expect(try units("1000.00", "JPY") == "1000")
        #expect(try units("1.234", "KWD") == "1234")
        #expect(try units("0", "ETH") == "0")
        #expect(
            try units("99999999999999999999.000000000000000001", "ETH")
                == "99999999999999999999000000000000000001")
    }

    @Test(arguments: [
        "", "-", ".", "1.", ".5", "1,5", "1e3", "+1", " 1", "1.2.3", "0.001", "--1", "１",
        "999999999999999999999999999999999999999",
    ]) func `anything else is no amount`(text: String) throws {
        #expect(try units(text, "USD") == nil)
    }

    @Test func `the provider's steps need not be the asset's`() {
        func units(_ steps: JSONValue, _ currency: JSONValue) -> String? {
            StripeMoney.read(steps, currency).map { String($0.units) }
        }
        #expect(units(1099, "usd") == "1099")
        #expect(units(500, "jpy") == "500")
        #expect(units(500, "isk") == "5")
        #expect(units(550, "isk") == nil)
        #expect(units(1234, "bhd") == "1234")
        #expect(units(100, "pyg") == "10000")
        #expect(units("100", "usd") == nil)
        #expect(units(100, "u") == nil)
    }
}
