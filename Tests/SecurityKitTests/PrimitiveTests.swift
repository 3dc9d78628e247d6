import Testing

@testable import SecurityKit

@Suite struct PrimitiveTests {
    private let key = Digest.sha256(bytes(utf8: "key"))

    @Test func `a sealed box opens only whole, with its key and its additional data`() throws {
        let plaintext = bytes(utf8: "webhook secret")
        let additional = bytes(utf8: "whk_1")
        let box = try AES256GCM.seal(plaintext, key: key, additional: additional)
        #expect(box.count == plaintext.count + AES256GCM.overheadByteCount)
        #expect(try AES256GCM.open(box, key: key, additional: additional) == plaintext)
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            #expect(throws: SecurityError.decryptionFailed) {
                try AES256GCM.open(changed, key: key, additional: additional)
            }
        }
        #expect(throws: SecurityError.decryptionFailed) {
            try AES256GCM.open(Array(box.dropLast()), key: key, additional: additional)
        }
        #expect(throws: SecurityError.decryptionFailed) {
            try AES256GCM.open([], key: key, additional: additional)
        }
        #expect(throws: SecurityError.decryptionFailed) { try AES256GCM.open(box, key: key) }
        #expect(throws: SecurityError.decryptionFailed) {
            try AES256GCM.open(box, key: Digest.sha256([]), additional: additional)
        }
        #expect(throws: SecurityError.invalidKey) { try AES256GCM.seal([], key: [1]) }
        #expect(throws: SecurityError.invalidKey) { try AES256GCM.open(box, key: []) }
    }

    @Test func `sealing the same plaintext twice gives different boxes`() throws {
        #expect(try AES256GCM.seal([1, 2, 3], key: key) != AES256GCM.seal([1, 2, 3], key: key))
    }

    @Test func `equality in constant time is equality`() {
        #expect(Digest.constantTimeEquals([], []))
        #expect(Digest.constantTimeEquals([1, 2], [1, 2]))
        #expect(!Digest.constantTimeEquals([1, 2], [1, 3]))
        #expect(!Digest.constantTimeEquals([1, 2], [1]))
        #expect(!Digest.constantTimeEquals([], [0]))
    }

    @Test func `random bytes have the asked length and do not repeat`() {
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.bytes(33).count == 33)
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
    }

    @Test func `keys of a wrong length are refused`() {
        #expect(throws: SecurityError.invalidKey) { try Ed25519PrivateKey(seed: []) }
        #expect(throws: SecurityError.invalidKey) {
            try Ed25519PrivateKey(seed: [UInt8](repeating: 1, count: 33))
        }
        #expect(throws: SecurityError.invalidKey) { try Ed25519PublicKey(bytes: [1]) }
    }

    @Test func `an all-zero key with an all-zero signature verifies nothing of ours`() throws {
        let key = Ed25519PrivateKey.generate()
        let zero = [UInt8](repeating: 0, count: 64)
        #expect(!key.publicKey.verify(signature: zero, of: bytes(utf8: "message")))
    }

    @Test func `a private key never describes itself`() {
        let key = Ed25519PrivateKey.generate()
        #expect("\(key)" == "Ed25519PrivateKey(hidden)")
    }

    @Test func `one key signs and verifies from many tasks at once`() async {
        let key = Ed25519PrivateKey.generate()
        let good = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let message = bytes(utf8: "message \(number)")
                    return key.publicKey.verify(signature: key.sign(message), of: message)
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(good == 64)
    }
}

@Suite struct TextEncodingTests {
    // Source: RFC 4648 §10, without padding.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ])
    func `base64url gives the texts of RFC 4648`(plain: String, encoded: String) {
        #expect(Base64URL.encode(bytes(utf8: plain)) == encoded)
        #expect(Base64URL.decode(encoded) == bytes(utf8: plain))
    }

    @Test func `base64url uses the URL alphabet`() {
        #expect(Base64URL.encode([0xFB, 0xFF, 0xBF]) == "-_-_")
        #expect(Base64URL.decode("-_-_") == [0xFB, 0xFF, 0xBF])
    }

    @Test(arguments: ["Zg==", "Z", "Zh", "Zm9=", "+/+/", "Zm 8", "Zm8\n", "Zm9vY", "Zé"])
    func `base64url refuses every other way to write the same`(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test func `every byte survives both encodings`() {
        for count in 0..<64 {
            let value = SecureRandom.bytes(count)
            #expect(Base64URL.decode(Base64URL.encode(value)) == value)
            #expect(Hex.decode(Hex.encode(value)) == value)
        }
    }

    @Test func `hexadecimal text is read strictly`() {
        #expect(Hex.decode("00fFA9") == [0, 0xFF, 0xA9])
        for text in ["0", "0g", "0x", "+1", " 1", "é"] { #expect(Hex.decode(text) == nil) }
    }
}
