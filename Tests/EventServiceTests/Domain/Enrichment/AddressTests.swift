import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import EventService

@Suite struct AddressTests {
    @Test(arguments: [
        ("192.0.2.1", "4:c0000201"), ("::ffff:192.0.2.1", "4:c0000201"), ("::1", "6:1"),
        ("2001:DB8::1", "6:20010db8000000000000000000000001"), ("fe80::1%eth0", "6:fe80"),
        ("1:2:3:4:5:6:7:8", "6:10002000300040005000600070008"), ("::", "6:0"),
        ("64:ff9b::192.0.2.33", "6:64ff9b"),
    ])
    func `an address is the same however it is written`(_ text: String, _ canonical: String) throws
    {
        let address = try #require(NetworkAddress(text))
        #expect(address.canonical.hasPrefix(canonical))
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.-4", "::1::", ":", "1:2:3",
        "12345::", "g::", "1:2:3:4:5:6:7:8:9", "1.2.3.4:80", "+1::", "1:2:3:4:5:6:7::8:9", "a b",
    ])
    func `anything else is no address`(_ text: String) {
        #expect(NetworkAddress(text) == nil)
    }

    @Test func `a hash stands for an address and tells nothing without the key`() throws {
        let (first, second) = (ClientID(UUID()), ClientID(UUID()))
        let hash = AddressHash(master: Array(repeating: 1, count: 32))
        func address(_ text: String) throws -> NetworkAddress {
            try #require(NetworkAddress(text))
        }
        let plain = try address("192.0.2.1")
        #expect(hash.address(plain, of: first).count == 32)
        #expect(
            hash.address(plain, of: first)
                == hash.address(try address("::ffff:192.0.2.1"), of: first))
        #expect(hash.address(plain, of: first) != hash.address(plain, of: second))
        let otherKey = AddressHash(master: Array(repeating: 2, count: 32))
        #expect(hash.address(plain, of: first) != otherKey.address(plain, of: first))
        let neighbour = try address("192.0.2.77")
        #expect(hash.address(plain, of: first) != hash.address(neighbour, of: first))
        #expect(hash.network(plain, of: first) == hash.network(neighbour, of: first))
        #expect(hash.network(plain, of: first) != hash.network(try address("192.0.3.1"), of: first))
        let (six, same, far) = (
            try address("2001:db8:1:2::3"), try address("2001:db8:1:ffff::"),
            try address("2001:db8:2::")
        )
        #expect(hash.network(six, of: first) == hash.network(same, of: first))
        #expect(hash.network(six, of: first) != hash.network(far, of: first))
    }

    private func table(_ text: String) throws -> GeoTable { try GeoTable(csv: Array(text.utf8)) }

    @Test func `of networks within each other the narrowest tells the place`() throws {
        let table = try table(
            """
            # made for this test
            network,country,region
            10.0.0.0/8,DE,
            10.1.0.0/16,FR,"Île-de-France"
            10.1.2.3/32,CH
            0.0.0.0/1,US,Anywhere
            2001:db8::/32,JP,"a ""quoted"" one"\r
            2001:db8:8000::/33,KR,Seoul

            255.255.255.255,AQ,
            """)
        func place(_ text: String) throws -> String? {
            table.place(of: try #require(NetworkAddress(text))).map {
                [$0.country, $0.region].compactMap(\.self).joined(separator: " ")
            }
        }
        #expect(try place("10.0.0.1") == "DE")
        #expect(try place("10.1.0.0") == "FR Île-de-France")
        #expect(try place("10.1.255.255") == "FR Île-de-France")
        #expect(try place("10.1.2.3") == "CH")
        #expect(try place("10.1.2.4") == "FR Île-de-France")
        #expect(try place("10.2.0.0") == "DE")
        #expect(try place("11.0.0.0") == "US Anywhere")
        #expect(try place("127.255.255.255") == "US Anywhere")
        #expect(try place("128.0.0.0") == nil)
        #expect(try place("255.255.255.255") == "AQ")
        #expect(try place("2001:db8::1") == #"JP a "quoted" one"#)
        #expect(try place("2001:db8:ffff::1") == "KR Seoul")
        #expect(try place("2001:db9::") == nil)
        #expect(try place("::") == nil)
    }

    @Test func `looking up agrees with trying every network`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<8 {
            var networks: [(block: NetworkBlock, country: String)] = []
            var lines = ""
            for number in 0..<12 {
                let prefix = Int.random(in: 24...32, using: &random)
                let last = UInt32.random(in: 0..<512, using: &random)
                let start = last & ~UInt32((UInt64(1) << (32 - UInt64(prefix))) - 1)
                let text = "10.0.\(start >> 8).\(start & 255)/\(prefix)"
                let block = try #require(NetworkBlock(text))
                let letter = String(UnicodeScalar(UInt8(65 + number)))
                networks.append((block, "A" + letter))
                lines += "\(text),A\(letter),\n"
            }
            let table = try table(lines)
            let start = try #require(NetworkAddress("10.0.0.0")).number
            let differing = (0..<512).filter { number in
                let address = NetworkAddress(number: start + UInt128(number), isIPv4: true)
                let fitting = networks.enumerated().filter {
                    address.network($0.element.block.prefix) == $0.element.block.first
                }
                let wanted = fitting.max {
                    ($0.element.block.prefix, $0.offset) < ($1.element.block.prefix, $1.offset)
                }
                return table.place(of: address)?.country != wanted?.element.country
            }
            #expect(differing.isEmpty, "\(lines)")
        }
    }

    @Test(arguments: [
        ("1.2.3.0/24,US,\nnonsense,US,", 2), ("1.2.3.0/24", 1), ("1.2.3.4/24,US", 1),
        ("1.2.3.0/33,US", 1), ("1.2.3.0/24,us", 1), ("1.2.3.0/24,USA", 1), ("::/129,US", 1),
        ("\n\n::/-1,US", 3),
    ])
    func `a list with a wrong line is refused with its number`(_ text: String, _ line: Int) {
        let error = #expect(throws: GeoTable.BadLine.self) { try table(text) }
        #expect(error?.number == line)
    }

    @Test func `a list that cannot be read keeps the service from starting, and says why`() throws {
        let absent = try GeoFile.read(nil)
        #expect(absent == nil)
        let failure = #expect(throws: GeoFile.Failure.self) { try GeoFile.read("/nowhere/geo.csv") }
        #expect(failure?.description.contains("GRAPEVINE_EVENT_GEO_FILE") == true)
    }
}
