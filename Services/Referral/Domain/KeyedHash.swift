import Kernel
import SecurityKit

/// Hashes of what identifies people, under a key: without it nobody can find out by trying.
struct KeyedHash: Sendable {
    private let key: [UInt8]

    /// - Parameter secret: at least 32 bytes that nobody else has.
    init(secret: [UInt8]) {
        key = Digest.hmacSHA256(key: secret, message: Array("grapevine.referral.hash.v1".utf8))
    }

    /// An address, for limits and for finding bursts.
    func address(_ address: String?) -> [UInt8] { hash("address", address ?? "") }

    /// A browser's description.
    func userAgent(_ text: String?) -> [UInt8] { hash("user_agent", text ?? "") }

    /// A mailbox of one client's people. Other clients' hashes of the same mailbox differ.
    func email(_ email: EmailAddress, of client: ClientID) -> [UInt8] {
        hash("email\n\(client)", email.mailbox)
    }

    private func hash(_ kind: String, _ text: String) -> [UInt8] {
        Digest.hmacSHA256(key: key, message: Array("\(kind)\n\(text)".utf8))
    }
}
