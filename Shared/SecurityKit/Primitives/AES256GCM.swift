import COpenSSL

/// Authenticated encryption for secrets at rest (NIST SP 800-38D).
///
/// A sealed box is nonce (12 bytes), ciphertext, tag (16 bytes). The nonce is random, so one key
/// must not seal more than 2^32 boxes.
package enum AES256GCM {
    /// Bytes of a key.
    package static let keyByteCount = 32
    /// Bytes that a sealed box is longer than its plaintext.
    package static let overheadByteCount = nonceByteCount + tagByteCount

    static let nonceByteCount = 12
    static let tagByteCount = 16

    /// Encrypts and authenticates; `additional` is authenticated only and must be given again to
    /// open (bind the row's id with it). Throws `.invalidKey` unless the key has 32 bytes.
    package static func seal(
        _ plaintext: [UInt8], key: [UInt8], additional: [UInt8] = []
    ) throws(SecurityError) -> [UInt8] {
        let nonce = SecureRandom.bytes(nonceByteCount)
        return try seal(plaintext, key: key, nonce: nonce, additional: additional)
    }

    /// As above with a given nonce, for published test vectors only: a nonce must never repeat.
    static func seal(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], additional: [UInt8]
    ) throws(SecurityError) -> [UInt8] {
        guard key.count == keyByteCount, nonce.count == nonceByteCount else { throw .invalidKey }
        let cipher = try CipherContext()
        var ciphertext = plaintext
        var tag = [UInt8](repeating: 0, count: tagByteCount)
        let sealed =
            cipher.begin(encrypting: true, key: key, nonce: nonce)
            && cipher.authenticate(additional) && cipher.process(&ciphertext) && cipher.finish()
            && cipher.readTag(&tag)
        guard sealed else { throw .libraryFailure }
        return nonce + ciphertext + tag
    }

    /// Checks and decrypts a sealed box. Throws `.decryptionFailed` when a single bit of box, key
    /// or `additional` differs, and `.invalidKey` unless the key has 32 bytes.
    package static func open(
        _ box: [UInt8], key: [UInt8], additional: [UInt8] = []
    ) throws(SecurityError) -> [UInt8] {
        guard key.count == keyByteCount else { throw .invalidKey }
        guard box.count >= overheadByteCount else { throw .decryptionFailed }
        var plaintext = Array(box[nonceByteCount..<(box.count - tagByteCount)])
        var tag = Array(box.suffix(tagByteCount))
        let cipher = try CipherContext()
        let opened =
            cipher.begin(encrypting: false, key: key, nonce: Array(box.prefix(nonceByteCount)))
            && cipher.authenticate(additional) && cipher.process(&plaintext)
            && cipher.expectTag(&tag) && cipher.finish()
        guard opened else { throw .decryptionFailed }
        return plaintext
    }
}

/// One use of an `EVP_CIPHER_CTX`; every step says whether libcrypto accepted it.
@safe private final class CipherContext {
    private let context: OpaquePointer

    init() throws(SecurityError) {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw .libraryFailure }
        unsafe self.context = context
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    func begin(encrypting: Bool, key: [UInt8], nonce: [UInt8]) -> Bool {
        unsafe key.withUnsafeBufferPointer { key in
            unsafe nonce.withUnsafeBufferPointer { nonce in
                unsafe EVP_CipherInit_ex2(
                    context, Algorithms.aes256GCM, key.baseAddress, nonce.baseAddress,
                    encrypting ? 1 : 0, nil) == 1
            }
        }
    }

    func authenticate(_ additional: [UInt8]) -> Bool {
        guard !additional.isEmpty else { return true }
        var written: Int32 = 0
        return unsafe additional.withUnsafeBufferPointer { additional in
            unsafe EVP_CipherUpdate(
                context, nil, &written, additional.baseAddress, Int32(additional.count)) == 1
        }
    }

    /// Encrypts or decrypts in place.
    func process(_ bytes: inout [UInt8]) -> Bool {
        guard !bytes.isEmpty else { return true }
        guard let count = Int32(exactly: bytes.count) else { return false }
        var written: Int32 = 0
        return unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            unsafe EVP_CipherUpdate(
                context, bytes.baseAddress, &written, bytes.baseAddress, count) == 1
        } && written == count
    }

    func finish() -> Bool {
        var written: Int32 = 0
        var nothing = [UInt8](repeating: 0, count: 16)
        return unsafe nothing.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_CipherFinal_ex(context, buffer.baseAddress, &written) == 1
        }
    }

    func readTag(_ tag: inout [UInt8]) -> Bool { control(EVP_CTRL_AEAD_GET_TAG, &tag) }

    func expectTag(_ tag: inout [UInt8]) -> Bool { control(EVP_CTRL_AEAD_SET_TAG, &tag) }

    private func control(_ command: Int32, _ tag: inout [UInt8]) -> Bool {
        unsafe tag.withUnsafeMutableBytes { tag in
            unsafe EVP_CIPHER_CTX_ctrl(context, command, Int32(tag.count), tag.baseAddress) == 1
        }
    }
}
