import Testing

@testable import ReferralService

@Suite struct ReferralCodeTests {
    @Test func `a code has eight characters that nobody confuses`() {
        let code = ReferralCode.random { count in (0..<count).map { UInt8($0 * 31) } }
        #expect(code.text.utf8.count == 8)
        #expect(code.text.utf8.allSatisfy { ReferralCode.alphabet.contains($0) })
        for confusing in "01ILOUAE" {
            #expect(!ReferralCode.alphabet.contains(confusing.asciiValue ?? 0))
        }
        #expect(Set(ReferralCode.alphabet).count == 28)
    }

    @Test func `bytes that would favour some characters are drawn again`() {
        // 252 to 255 do not fill a round of 28.
        let code = ReferralCode.random { count in
            Array(([252, 253, 254, 255] + Array(repeating: UInt8(27), count: count)).prefix(count))
        }
        #expect(code.text == "ZZZZZZZZ")
    }

    @Test func `every character is drawn about as often as any other`() {
        var counts: [UInt8: Int] = [:]
        for value in UInt8.min...UInt8.max {
            for byte in ReferralCode.random({ Array(repeating: value < 252 ? value : 0, count: $0) }
            )
            .text.utf8 {
                counts[byte, default: 0] += 1
            }
        }
        #expect(counts.count == 28)
        #expect(counts.values.filter { $0 == 72 }.count == 27)
    }

    @Test(arguments: [
        ("bcdfghjk", "BCDFGHJK"), ("23456789", "23456789"), ("BcDfGhJ2", "BCDFGHJ2"),
    ])
    func `a code is read in any case`(_ typed: String, _ text: String) {
        #expect(ReferralCode(typed)?.text == text)
    }

    @Test(arguments: [
        "", "BCDFGHJ", "BCDFGHJK2", "BCDFGHJ0", "BCDFGHJI", "BCDFGHJ ", "BCDFGHJ\u{0}",
        "BCDFGHJé", "ＢＣＤＦＧＨＪＫ", "../../..", "BCDFGHJ%",
    ])
    func `what cannot be a code is none`(_ typed: String) {
        #expect(ReferralCode(typed) == nil)
    }
}
