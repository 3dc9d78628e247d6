import Contracts
import Kernel
import SecurityKit

/// Stands for an address where the address itself must not be kept: the same for the same address
/// and client, and of no use to anybody without the key.
struct AddressHash: Sendable {
    private static let byteCount = 16
    private let key: [UInt8]

    /// - Parameter master: the service's key; the hash's own is derived from it.
    init(master: [UInt8]) {
        key = Digest.hmacSHA256(key: master, message: Array("grapevine event address hash".utf8))
    }

    func address(_ address: NetworkAddress, of client: ClientID) -> String {
        hash("address", address, client)
    }

    /// Of the network that a household or a company has: 24 bits of IPv4, 48 of IPv6.
    func network(_ address: NetworkAddress, of client: ClientID) -> String {
        hash("network", address.network(address.isIPv4 ? 24 : 48), client)
    }

    /// A session for events of one visitor and day that name none.
    func session(_ visitor: String, day: Int64, of client: ClientID) -> String {
        code("session\n\(client)\n\(day)\n\(visitor)")
    }

    private func hash(_ kind: String, _ address: NetworkAddress, _ client: ClientID) -> String {
        code("\(kind)\n\(client)\n\(address.canonical)")
    }

    private func code(_ text: String) -> String {
        let code = Digest.hmacSHA256(key: key, message: Array(text.utf8))
        return Hex.encode(Array(code.prefix(Self.byteCount)))
    }
}
