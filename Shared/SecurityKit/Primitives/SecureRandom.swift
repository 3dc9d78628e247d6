import COpenSSL

/// Random bytes fit for keys and tokens.
package enum SecureRandom {
    /// `count` bytes from libcrypto's generator, seeded by the kernel. Stops the process when the
    /// system has no entropy: going on with predictable keys would be worse.
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return bytes }
        let result = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            unsafe RAND_bytes(buffer.baseAddress, Int32(buffer.count))
        }
        precondition(result == 1, "The system gives no random bytes.")
        return bytes
    }
}
