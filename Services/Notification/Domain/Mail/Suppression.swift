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
            key: addressKey, message: client.uuid.byteArray + Array(address.normalised.utf8))
    }

    /// What the link in a mail carries: whose mail to whom it ends, so that nothing need be looked
    /// up and nobody can make one.
    func unsubscribeToken(_ addressHash: [UInt8], of client: ClientID) -> String {
        let content = client.uuid.byteArray + addressHash
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
        guard let client = UUID(byteArray: content[..<16]) else { return nil }
        return (ClientID(client), Array(content[16...]))
    }

    private func signature(_ content: [UInt8]) -> [UInt8] {
        Array(Digest.hmacSHA256(key: unsubscribeKey, message: content)[..<16])
    }
}

extension UUID {
    /// The 16 bytes in network order.
    var byteArray: [UInt8] {
        let id = uuid
        return [
            id.0, id.1, id.2, id.3, id.4, id.5, id.6, id.7, id.8, id.9, id.10, id.11, id.12,
            id.13, id.14, id.15,
        ]
    }

    /// Nil unless there are 16 bytes.
    init?(byteArray bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        let all = Array(bytes)
        self.init(
            uuid: (
                all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7], all[8], all[9],
                all[10], all[11], all[12], all[13], all[14], all[15]
            ))
    }
}
