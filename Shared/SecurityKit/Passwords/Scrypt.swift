import COpenSSL

/// The cost of one scrypt computation (RFC 7914).
struct ScryptCost: Sendable, Hashable {
    /// OWASP's second choice: 32 MiB for about as much work as N = 2^17, p = 1 with 128 MiB.
    static let standard = ScryptCost(logarithm: 15, blockSize: 8, parallelism: 3)

    /// What a stored hash may ask of us: beyond that it is not one of ours, but an attack.
    static let maximumMemoryByteCount = 64 << 20

    /// The base-2 logarithm of N.
    let logarithm: Int
    /// r
    let blockSize: Int
    /// p
    let parallelism: Int

    var isAcceptable: Bool {
        (1...20).contains(logarithm) && (1...16).contains(blockSize)
            && (1...8).contains(parallelism)
            && (128 << logarithm) * blockSize <= Self.maximumMemoryByteCount
    }

    /// The derived key; blocks for tens of milliseconds. Nil when libcrypto refuses.
    func derive(password: [UInt8], salt: [UInt8], byteCount: Int) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: byteCount)
        let result = unsafe password.withUnsafeBytes { password in
            unsafe salt.withUnsafeBufferPointer { salt in
                unsafe output.withUnsafeMutableBufferPointer { output in
                    unsafe EVP_PBE_scrypt(
                        password.bindMemory(to: CChar.self).baseAddress, password.count,
                        salt.baseAddress, salt.count, 1 << UInt64(logarithm), UInt64(blockSize),
                        UInt64(parallelism), UInt64(Self.maximumMemoryByteCount * 2),
                        output.baseAddress, output.count)
                }
            }
        }
        return result == 1 ? output : nil
    }
}
