import COpenSSL
package import FoundationEssentials
import Kernel

/// SHA-256, HMAC-SHA-256 and the comparison that goes with them.
package enum Digest {
    /// Bytes of a SHA-256 digest and of an HMAC over it.
    package static let byteCount = 32

    /// The first 16 bytes of the SHA-256 digest, where a name for the content is wanted. Not a UUID
    /// of any version.
    package static func identity(of message: [UInt8]) -> UUID {
        identity(of: message[...])
    }

    /// The same of a part.
    package static func identity(of message: ArraySlice<UInt8>) -> UUID {
        var digest = (UInt128.zero, UInt128.zero)
        unsafe withUnsafeMutableBytes(of: &digest) { unsafe sha256(message, to: $0) }
        return UUID(bits: UInt128(bigEndian: digest.0))
    }

    /// The SHA-256 digest, 32 bytes (FIPS 180-4).
    package static func sha256(_ message: [UInt8]) -> [UInt8] {
        sha256(message[...])
    }

    /// The SHA-256 digest, 32 bytes (FIPS 180-4).
    package static func sha256(_ message: ArraySlice<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        unsafe digest.withUnsafeMutableBytes { unsafe sha256(message, to: $0) }
        return digest
    }

    private static func sha256(
        _ message: ArraySlice<UInt8>, to digest: UnsafeMutableRawBufferPointer
    ) {
        let result = unsafe message.withUnsafeBytes { message in
            unsafe EVP_Digest(
                message.baseAddress, message.count, digest.baseAddress, nil,
                Algorithms.sha256, nil)
        }
        precondition(result == 1, "libcrypto cannot compute SHA-256.")
    }

    /// The SHA-1 digest, 20 bytes, for protocols that name it as a mere checksum (RFC 6455).
    ///
    /// It is broken: nothing that has to be secure may rest on it.
    package static func sha1(_ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        let result = unsafe message.withUnsafeBytes { message in
            unsafe digest.withUnsafeMutableBufferPointer { digest in
                unsafe EVP_Digest(
                    message.baseAddress, message.count, digest.baseAddress, nil, EVP_sha1(), nil)
            }
        }
        precondition(result == 1, "libcrypto cannot compute SHA-1.")
        return digest
    }

    /// HMAC-SHA-256, 32 bytes (RFC 2104). Any key length; keys below 32 bytes are weak.
    package static func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
        // An empty array may have no address, and libcrypto takes a null key for "no key set".
        let storedKey = key.isEmpty ? [0] : key
        var code = [UInt8](repeating: 0, count: byteCount)
        let result = unsafe storedKey.withUnsafeBytes { keyBytes in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe code.withUnsafeMutableBufferPointer { code in
                    unsafe EVP_Q_mac(
                        nil, "HMAC", nil, "SHA256", nil, keyBytes.baseAddress, key.count,
                        message.baseAddress, message.count, code.baseAddress, code.count, nil)
                }
            }
        }
        precondition(unsafe result != nil, "libcrypto cannot compute HMAC-SHA-256.")
        return code
    }

    /// Whether both are equal, in a time that depends on their lengths only.
    package static func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
            }
        }
    }
}

/// Algorithms fetched once: a lookup by name for every call costs more than a short digest.
enum Algorithms {
    // Immutable and reference-counted inside libcrypto, safe to share between threads; never freed.
    nonisolated(unsafe) static let sha256: OpaquePointer? = unsafe EVP_MD_fetch(
        nil, "SHA2-256", nil)
    nonisolated(unsafe) static let aes256GCM: OpaquePointer? = unsafe EVP_CIPHER_fetch(
        nil, "AES-256-GCM", nil)
}
