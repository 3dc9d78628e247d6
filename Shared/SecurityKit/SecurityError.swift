/// Why a cryptographic operation was refused. Never carries key material or plaintext.
package enum SecurityError: Error, Sendable, Hashable {
    /// A key, seed or secret has the wrong length or is not a point of the curve.
    case invalidKey
    /// The ciphertext was changed, cut, or made with another key or other additional data.
    case decryptionFailed
    /// Too many password computations wait already; the caller may try again shortly.
    case busy
    /// libcrypto refused an operation that cannot fail with valid arguments (out of memory).
    case libraryFailure
}
