import Testing

@testable import SecurityKit

/// The bytes of hexadecimal text, which a test wrote and may therefore contain spaces.
func bytes(_ hex: String) throws -> [UInt8] {
    try #require(Hex.decode(hex.filter { !$0.isWhitespace }))
}

/// The bytes of text.
func bytes(utf8 text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct PrimitiveVectorTests {
    // Source: FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 gives the published digests`(message: String, digest: String) {
        #expect(Hex.encode(Digest.sha256(bytes(utf8: message))) == digest)
    }

    // Source: RFC 4231 §4.2, §4.3, §4.4, §4.7, §4.8.
    @Test(arguments: [
        (
            String(repeating: "0b", count: 20), Hex.encode(bytes(utf8: "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Hex.encode(bytes(utf8: "Jefe")),
            Hex.encode(bytes(utf8: "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            String(repeating: "aa", count: 20), String(repeating: "dd", count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            String(repeating: "aa", count: 131),
            Hex.encode(
                bytes(utf8: "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `HMAC-SHA-256 gives the codes of RFC 4231`(key: String, message: String, code: String)
        throws
    {
        let result = Digest.hmacSHA256(key: try bytes(key), message: try bytes(message))
        #expect(Hex.encode(result) == code)
    }

    @Test func `HMAC accepts an empty key and an empty message`() {
        #expect(
            Hex.encode(Digest.hmacSHA256(key: [], message: []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    // Source: RFC 8032 §7.1, tests 1, 2, 3 and SHA(abc).
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            """
            e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac
            c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
            """
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            """
            92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e
            458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
            """
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            """
            6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290
            ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
            """
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            """
            ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
            2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
            """,
            """
            dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ec
            fdfbc7c66431e0303dca179c138ac17ad9bef1177331a704
            """
        ),
    ])
    func `Ed25519 gives the keys and signatures of RFC 8032`(
        seed: String, publicKey: String, message: String, signature: String
    ) throws {
        let key = try Ed25519PrivateKey(seed: try bytes(seed))
        #expect(Hex.encode(key.publicKey.bytes) == publicKey)
        let message = try bytes(message)
        let signature = try bytes(signature)
        #expect(key.sign(message) == signature)
        let reader = try Ed25519PublicKey(bytes: try bytes(publicKey))
        #expect(reader.verify(signature: signature, of: message))
        #expect(!reader.verify(signature: signature, of: message + [0]))
        #expect(!reader.verify(signature: Array(signature.dropLast()), of: message))
        #expect(!reader.verify(signature: signature + [0], of: message))
        #expect(!reader.verify(signature: [], of: message))
        var changed = signature
        changed[63] ^= 0x20
        #expect(!reader.verify(signature: changed, of: message))
    }

    // Source: RFC 7914 §12.
    @Test func `scrypt gives the keys of RFC 7914`() throws {
        let first = ScryptCost(logarithm: 10, blockSize: 8, parallelism: 16)
            .derive(password: bytes(utf8: "password"), salt: bytes(utf8: "NaCl"), byteCount: 64)
        #expect(
            first
                == (try bytes(
                    """
                    fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a388
                    6ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640
                    """)))
        let second = ScryptCost(logarithm: 14, blockSize: 8, parallelism: 1)
            .derive(
                password: bytes(utf8: "pleaseletmein"), salt: bytes(utf8: "SodiumChloride"),
                byteCount: 64)
        #expect(
            second
                == (try bytes(
                    """
                    7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf
                    62d49705242a9af9e61e85dc0d651e40dfcf017b45575887
                    """)))
    }

    // Source: McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16
    // (submitted to NIST with the mode).
    @Test(arguments: [
        (
            String(repeating: "00", count: 32), String(repeating: "00", count: 12), "", "", "",
            "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        (
            String(repeating: "00", count: 32), String(repeating: "00", count: 12),
            String(repeating: "00", count: 16), "", "cea7403d4d606b6e074ec5d3baf39d18",
            "d0d1c8a799996bf0265b98b5d48ab919"
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            """
            d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595680953
            2fcf0e2449a6b525b16aedf5aa0de657ba637b39
            """,
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            """
            522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3d
            a7b08b1056828838c5f61e6393ba7a0abcc9f662
            """,
            "76fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ])
    func `AES-256-GCM gives the published ciphertexts and tags`(
        key: String, nonce: String, plaintext: String, additional: String, ciphertext: String,
        tag: String
    ) throws {
        let (key, nonce) = (try bytes(key), try bytes(nonce))
        let (plaintext, additional) = (try bytes(plaintext), try bytes(additional))
        let box = try AES256GCM.seal(plaintext, key: key, nonce: nonce, additional: additional)
        #expect(box == nonce + (try bytes(ciphertext)) + (try bytes(tag)))
        #expect(try AES256GCM.open(box, key: key, additional: additional) == plaintext)
    }
}
