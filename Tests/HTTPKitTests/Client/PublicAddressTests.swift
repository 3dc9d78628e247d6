import Testing

@testable import HTTPKit

@Suite struct PublicAddressTests {
    private func ipv4(_ text: String) -> SocketAddress {
        SocketAddress(bytes: text.split(separator: ".").compactMap { UInt8($0) })
    }

    /// Eight groups, none left out.
    private func ipv6(_ text: String) -> SocketAddress {
        SocketAddress(
            bytes: text.split(separator: ":").compactMap { UInt16($0, radix: 16) }
                .flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.1", "169.253.1.1", "172.15.255.255", "172.32.0.0",
        "192.0.1.1", "192.167.1.1", "192.169.0.1", "198.17.1.1", "198.20.0.1", "223.255.255.255",
    ]) func `an address of the public Internet may be called`(text: String) {
        #expect(ipv4(text).isPublic)
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
        "100.127.255.255", "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255",
    ]) func `a private, special or reserved address may not`(text: String) {
        #expect(!ipv4(text).isPublic)
    }

    @Test(arguments: [
        "2606:4700:4700:0:0:0:0:1111", "2a00:1450:4001:82b:0:0:0:200e", "2003:0:0:0:0:0:0:1",
        "2001:4860:4860:0:0:0:0:8888", "3ffe:ffff:0:0:0:0:0:1",
    ]) func `an IPv6 address of the public Internet may be called`(text: String) {
        #expect(ipv6(text).isPublic)
    }

    @Test(arguments: [
        "0:0:0:0:0:0:0:0", "0:0:0:0:0:0:0:1", "0:0:0:0:0:ffff:7f00:1", "0:0:0:0:0:ffff:808:808",
        "0:0:0:0:0:0:7f00:1", "64:ff9b:0:0:0:0:7f00:1", "64:ff9b:1:0:0:0:a00:1",
        "100:0:0:0:0:0:0:1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8:0:0:0:0:0:1",
        "2002:7f00:1:0:0:0:0:0", "3fff:0:0:0:0:0:0:1", "fc00:0:0:0:0:0:0:1",
        "fd00:ec2:0:0:0:0:0:254",
        "fe80:0:0:0:0:0:0:1", "fec0:0:0:0:0:0:0:1", "ff02:0:0:0:0:0:0:1",
    ]) func `an IPv6 address that is private, special, or holds an IPv4 address may not`(
        text: String
    ) {
        #expect(ipv6(text).bytes.count == 16)
        #expect(!ipv6(text).isPublic)
    }

    @Test func `what is no IP address may not be called`() {
        #expect(!SocketAddress(bytes: []).isPublic)
    }
}
