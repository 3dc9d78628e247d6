import COpenSSL

/// An Ed25519 signing key (RFC 8032). Its description shows nothing of it.
package struct Ed25519PrivateKey: Sendable, CustomStringConvertible {
    /// Bytes of a seed.
    package static let seedByteCount = 32

    private let key: KeyHandle
    /// The key that checks what this one signs.
    package let publicKey: Ed25519PublicKey

    /// The key of a 32-byte seed. Throws `.invalidKey` for another length.
    package init(seed: [UInt8]) throws(SecurityError) {
        guard seed.count == Self.seedByteCount else { throw .invalidKey }
        let handle = unsafe seed.withUnsafeBufferPointer { seed in
            unsafe EVP_PKEY_new_raw_private_key(
                EVP_PKEY_ED25519, nil, seed.baseAddress, seed.count)
        }
        key = unsafe try KeyHandle(handle)
        publicKey = try Ed25519PublicKey(bytes: key.publicBytes())
    }

    private init(_ key: KeyHandle, _ publicKey: Ed25519PublicKey) {
        self.key = key
        self.publicKey = publicKey
    }

    /// A new random key.
    package static func generate() -> Ed25519PrivateKey {
        while true {
            if let key = try? Ed25519PrivateKey(seed: SecureRandom.bytes(seedByteCount)) {
                return key
            }
        }
    }

    /// The 64-byte signature of the message.
    package func sign(_ message: [UInt8]) -> [UInt8] { key.sign(message) }

    package var description: String { "Ed25519PrivateKey(hidden)" }
}

/// An Ed25519 verification key.
package struct Ed25519PublicKey: Sendable, Hashable {
    /// Bytes of a public key.
    package static let byteCount = 32
    /// Bytes of a signature.
    package static let signatureByteCount = 64

    /// The 32 bytes of the compressed point.
    package let bytes: [UInt8]
    private let key: KeyHandle

    /// Throws `.invalidKey` unless there are 32 bytes. A value that is no point verifies nothing.
    package init(bytes: [UInt8]) throws(SecurityError) {
        guard bytes.count == Self.byteCount else { throw .invalidKey }
        let handle = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe EVP_PKEY_new_raw_public_key(
                EVP_PKEY_ED25519, nil, bytes.baseAddress, bytes.count)
        }
        key = unsafe try KeyHandle(handle)
        self.bytes = bytes
    }

    /// Whether the key's owner signed exactly this message. False for any malformed signature.
    package func verify(signature: [UInt8], of message: [UInt8]) -> Bool {
        signature.count == Self.signatureByteCount && key.verify(signature, of: message)
    }

    /// The JWK thumbprint (RFC 7638, RFC 8037 §2) in base64url: a `kid` that both sides can
    /// compute.
    package var thumbprint: String {
        let document = #"{"crv":"Ed25519","kty":"OKP","x":"\#(Base64URL.encode(bytes))"}"#
        return Base64URL.encode(Digest.sha256(Array(document.utf8)))
    }

    package static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }

    package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

/// Owns an `EVP_PKEY`. libcrypto allows concurrent use of a key that nobody changes.
@safe private final class KeyHandle: @unchecked Sendable {
    private let key: OpaquePointer

    init(_ key: OpaquePointer?) throws(SecurityError) {
        guard let key = unsafe key else { throw .invalidKey }
        unsafe self.key = key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    func publicBytes() throws(SecurityError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Ed25519PublicKey.byteCount)
        var count = bytes.count
        let result = unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            unsafe EVP_PKEY_get_raw_public_key(key, bytes.baseAddress, &count)
        }
        guard result == 1, count == bytes.count else { throw .libraryFailure }
        return bytes
    }

    func sign(_ message: [UInt8]) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("libcrypto is out of memory.")
        }
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: Ed25519PublicKey.signatureByteCount)
        var count = signature.count
        let result = unsafe message.withUnsafeBufferPointer { message in
            unsafe signature.withUnsafeMutableBufferPointer { signature in
                unsafe EVP_DigestSignInit(context, nil, nil, nil, key) == 1
                    && EVP_DigestSign(
                        context, signature.baseAddress, &count, message.baseAddress,
                        message.count) == 1
            }
        }
        precondition(result && count == signature.count, "libcrypto cannot sign with Ed25519.")
        return signature
    }

    func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        return unsafe message.withUnsafeBufferPointer { message in
            unsafe signature.withUnsafeBufferPointer { signature in
                unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
                    && EVP_DigestVerify(
                        context, signature.baseAddress, signature.count, message.baseAddress,
                        message.count) == 1
            }
        }
    }
}
