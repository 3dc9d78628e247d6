import FoundationEssentials
import Kernel
import SecurityKit

/// Why an address gets no more mail from a client.
enum SuppressionReason: String, Sendable, Codable, CaseIterable {
    case bounce, complaint, unsubscribe, manual
}

/// Keyed hashes and signatures of this service, all from one configured key.
struct NotificationSecrets: Sendable {
    /// Encrypts the secrets of webhooks at rest.
    let webhookKey: SealingKey
    private let addressKey: [UInt8]
    private let unsubscribeKey: [UInt8]

    /// The key has 32 bytes. Each use has a key of its own, derived from it.
    init(key: [UInt8]) {
        func derived(_ use: String) -> [UInt8] {
            Digest.hmacSHA256(key: key, message: Array("grapevine notification \(use)".utf8))
        }
        webhookKey = SealingKey(master: key, use: "grapevine notification webhook secret")
        addressKey = derived("address")
        unsubscribeKey = derived("unsubscribe")
    }

    /// What stands for an address where the address itself need not be known. Keyed, because
    /// addresses can be guessed.
    func hash(_ address: EmailAddress, of client: ClientID) -> [UInt8] {
        Digest.hmacSHA256(
            key: addressKey, message: client.uuid.bytes + Array(address.normalised.utf8))
    }

    /// What the link in a mail carries: whose mail to whom it ends, so that nothing need be looked
    /// up and nobody can make one.
    func unsubscribeToken(_ addressHash: [UInt8], of client: ClientID) -> String {
        let content = client.uuid.bytes + addressHash
        return Base64URL.encode(content + signature(content))
    }

    /// Nil for a token that was not made here.
    func readUnsubscribeToken(_ text: String) -> (client: ClientID, addressHash: [UInt8])? {
        guard text.utf8.count < 200, let bytes = Base64URL.decode(text), bytes.count == 64 else {
            return nil
        }
        let content = Array(bytes[..<48])
        guard Digest.constantTimeEquals(signature(content), Array(bytes[48...])) else {
            return nil
        }
        guard let client = UUID(firstBytes: content) else { return nil }
        return (ClientID(client), Array(content[16...]))
    }

    private func signature(_ content: [UInt8]) -> [UInt8] {
        Array(Digest.hmacSHA256(key: unsubscribeKey, message: content)[..<16])
    }
}
