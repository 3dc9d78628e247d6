package import FoundationEssentials
import Kernel

/// Encrypts secrets for the database: AES-256-GCM under a key that serves one use only.
///
/// Each box is bound to the row it belongs to, so that a box copied to another row does not open.
package struct SealingKey: Sendable, CustomStringConvertible {
    private let key: [UInt8]

    /// Derived from a service's master key; another use gives another key.
    package init(master: [UInt8], use: String) {
        key = Digest.hmacSHA256(key: master, message: Array(use.utf8))
    }

    /// Throws only when libcrypto fails.
    package func seal(_ secret: [UInt8], for row: UUID) throws(SecurityError) -> [UInt8] {
        try AES256GCM.seal(secret, key: key, additional: row.bytes)
    }

    /// Throws `.decryptionFailed` for another row's box, another key's, or one that was touched.
    package func open(_ box: [UInt8], of row: UUID) throws(SecurityError) -> [UInt8] {
        try AES256GCM.open(box, key: key, additional: row.bytes)
    }

    package var description: String { "SealingKey(hidden)" }
}
