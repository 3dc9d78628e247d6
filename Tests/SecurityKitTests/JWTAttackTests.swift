import Kernel
import SecurityKit
import TestKit
import Testing

@Suite struct JWTAttackTests {
    private static let goodPayload = #"{"sub":"u","aud":"portal","exp":1000}"#

    private let key: Ed25519PrivateKey
    private let secret = bytes(utf8: "0123456789abcdef0123456789abcdef")
    private let edDSA: JWTVerifier
    private let hs256: JWTVerifier

    init() throws {
        key = try Ed25519PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        let clock = TestClock(at: seconds(500))
        edDSA = try JWTVerifier(
            algorithm: .edDSA(["k1": key.publicKey]), audience: "portal", clock: clock)
        hs256 = try JWTVerifier(
            algorithm: .hs256(current: secret, previous: nil), audience: "portal", clock: clock)
    }

    /// A token of any header and payload, rightly signed.
    private func signed(_ header: String, _ payload: String, hmac: [UInt8]? = nil) -> String {
        let parts = [header, payload].map { Base64URL.encode(bytes(utf8: $0)) }
        let input = parts.joined(separator: ".")
        let message = bytes(utf8: input)
        let signature = hmac.map { Digest.hmacSHA256(key: $0, message: message) }
        return "\(input).\(Base64URL.encode(signature ?? key.sign(message)))"
    }

    private func refusal(_ token: String, by verifier: JWTVerifier? = nil) -> JWTError? {
        do throws(JWTError) {
            _ = try (verifier ?? edDSA).verify(token)
            return nil
        } catch { return error }
    }

    private let goodHeader = #"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#

    @Test func `the tokens that these attacks start from do count`() {
        #expect(refusal(signed(goodHeader, Self.goodPayload)) == nil)
        let token = signed(#"{"alg":"HS256"}"#, Self.goodPayload, hmac: secret)
        #expect(refusal(token, by: hs256) == nil)
    }

    @Test(arguments: ["none", "None", "NONE", "nOnE", ""])
    func `no algorithm is no token`(name: String) {
        let header = #"{"alg":"\#(name)","kid":"k1"}"#
        let parts = [header, Self.goodPayload].map { Base64URL.encode(bytes(utf8: $0)) }
        let unsigned = parts.joined(separator: ".") + "."
        for verifier in [edDSA, hs256] {
            #expect(refusal(unsigned, by: verifier) == .wrongAlgorithm)
            #expect(
                refusal(signed(header, Self.goodPayload), by: verifier) == .wrongAlgorithm)
        }
    }

    @Test func `a public key is no HS256 secret, whatever the header says`() {
        let publicBytes = key.publicKey.bytes
        let swapped = signed(
            #"{"alg":"HS256","kid":"k1"}"#, Self.goodPayload, hmac: publicBytes)
        #expect(refusal(swapped) == .wrongAlgorithm)
        let disguised = signed(goodHeader, Self.goodPayload, hmac: publicBytes)
        #expect(refusal(disguised) == .wrongSignature)
        #expect(refusal(signed(goodHeader, Self.goodPayload), by: hs256) == .wrongAlgorithm)
    }

    @Test func `an empty, cut, lengthened or changed signature does not count`() throws {
        for (token, verifier) in [
            (signed(goodHeader, Self.goodPayload), edDSA),
            (signed(#"{"alg":"HS256"}"#, Self.goodPayload, hmac: secret), hs256),
        ] {
            let parts = token.split(separator: ".").map(String.init)
            let signature = try #require(Base64URL.decode(parts[2]))
            var changed = signature
            changed[0] ^= 1
            for wrong in [
                [], Array(signature.dropLast()), Array(signature.prefix(16)), signature + [0],
                changed,
            ] {
                let forged = "\(parts[0]).\(parts[1]).\(Base64URL.encode(wrong))"
                #expect(refusal(forged, by: verifier) == .wrongSignature)
            }
        }
    }

    @Test func `a changed payload does not count`() {
        let parts = signed(goodHeader, Self.goodPayload).split(separator: ".")
        let other = Base64URL.encode(bytes(utf8: #"{"sub":"x","aud":"portal","exp":1000}"#))
        #expect(refusal("\(parts[0]).\(other).\(parts[2])") == .wrongSignature)
    }

    @Test(arguments: [
        #"{"alg":"EdDSA","kid":"k2"}"#, #"{"alg":"EdDSA"}"#, #"{"alg":"EdDSA","kid":1}"#,
        #"{"alg":"EdDSA","kid":"../../k1"}"#,
        #"{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}"#,
    ])
    func `only our own key ids count`(header: String) {
        #expect(refusal(signed(header, Self.goodPayload)) == .unknownKey)
    }

    @Test(arguments: [
        #"{"alg":"EdDSA","kid":"k1","crit":["exp"]}"#, #"{"alg":"EdDSA","kid":"k1","crit":[]}"#,
        #"{"alg":"EdDSA","kid":"k1","b64":false}"#, #"{"alg":"EdDSA","kid":"k1","zip":"DEF"}"#,
        #"{"alg":"EdDSA","kid":"k1","typ":"secevent"}"#,
        #"{"alg":"EdDSA","kid":"k1","typ":7}"#,
    ])
    func `headers that change the meaning are refused`(header: String) {
        #expect(refusal(signed(header, Self.goodPayload)) == .unsupportedHeader)
    }

    @Test(arguments: ["JWT", "jwt", "at+jwt", "application/at+jwt"])
    func `every usual type of token counts`(type: String) {
        let header = #"{"alg":"EdDSA","kid":"k1","typ":"\#(type)"}"#
        #expect(refusal(signed(header, Self.goodPayload)) == nil)
    }

    @Test(arguments: [
        #"{"aud":"portal","exp":1000}"#, #"{"sub":"","aud":"portal","exp":1000}"#,
        #"{"sub":"u","exp":1000}"#, #"{"sub":"u","aud":[],"exp":1000}"#,
        #"{"sub":"u","aud":"","exp":1000}"#, #"{"sub":"u","aud":[1],"exp":1000}"#,
        #"{"sub":"u","aud":{"portal":1},"exp":1000}"#, #"{"sub":"u","aud":"portal"}"#,
        #"{"sub":"u","aud":"portal","exp":null}"#, #"{"sub":"u","aud":"portal","exp":"1000"}"#,
        #"{"sub":"u","aud":"portal","exp":1000.5}"#, #"{"sub":"u","aud":"portal","exp":1e3}"#,
        #"{"sub":"u","aud":"portal","exp":-1}"#,
        #"{"sub":"u","aud":"portal","exp":99999999999999999999}"#,
        #"{"sub":"u","aud":"portal","exp":9223372036854775807}"#,
        #"{"sub":"u","aud":"portal","exp":1000,"nbf":"1"}"#,
        #"{"sub":"u","aud":"portal","exp":1000,"iat":null}"#,
        #"{"sub":"u","aud":"portal","exp":1000,"iss":1}"#,
        #"{"sub":"u","aud":"portal","exp":1000,"jti":[]}"#,
    ])
    func `missing or wrongly typed claims are refused`(payload: String) {
        #expect(refusal(signed(goodHeader, payload)) == .invalidClaim)
    }

    @Test(arguments: [
        #"{"sub":"u","aud":"portal","exp":1000,"exp":9999}"#,
        #"{"sub":"u","sub":"admin","aud":"portal","exp":1000}"#,
        #"{"sub":"u","s\u0075b":"admin","aud":"portal","exp":1000}"#,
        #"{"sub":"u","aud":"portal","exp":1000}x"#, #"{"sub":"u","aud":"portal","exp":1000,}"#,
        #"{"sub":"u","aud":"portal","exp":01000}"#, #"{"sub":"u","aud":"portal","exp":+1000}"#,
        #"{"sub":"u\ud800","aud":"portal","exp":1000}"#, #"{sub:"u"}"#, #"["sub"]"#, "", "null",
        #"{"sub":"u","aud":"portal","exp":1000,"x":tru}"#,
        #"{"sub":"u","aud":"portal","exp":1000,"x":[1 2]}"#,
        #"{"sub":"u","aud":"portal","exp":1000,"x":[[[[[[[[1]]]]]]]]}"#,
        "{\"sub\":\"u\n\",\"aud\":\"portal\",\"exp\":1000}",
        #"{"sub":"u","aud":"portal","exp":1000"#,
    ])
    func `payloads that two readers could read differently are refused`(payload: String) {
        #expect(refusal(signed(goodHeader, payload)) == .malformed)
    }

    @Test func `invalid UTF-8 in a payload is refused`() {
        let payload =
            bytes(utf8: #"{"sub":"u"#) + [0xC0, 0x80]
            + bytes(utf8: #"","aud":"portal","exp":1000}"#)
        let input = "\(Base64URL.encode(bytes(utf8: goodHeader))).\(Base64URL.encode(payload))"
        let signature = Base64URL.encode(key.sign(bytes(utf8: input)))
        #expect(refusal("\(input).\(signature)") == .malformed)
    }

    @Test func `a token with more or fewer parts, padding or white space is refused`() {
        let token = signed(goodHeader, Self.goodPayload)
        for wrong in [
            "", ".", "..", "...", token + ".", "." + token, token + ".x", token + "=",
            token + " ", token + "\n", " " + token, "Bearer " + token,
            token.split(separator: ".").prefix(2).joined(separator: "."),
            token.replacing(".", with: ".."),
        ] {
            #expect(refusal(wrong) == .malformed)
        }
    }

    @Test func `the unused bits of the last character cannot vary a token`() throws {
        let token = signed(goodHeader, Self.goodPayload)
        // 64 bytes end in a character with four unused bits, all zero.
        let last = try #require(token.last)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let value = try #require(alphabet.firstIndex(of: last))
        #expect(refusal(token.dropLast() + String(alphabet[value + 1])) == .malformed)
    }

    @Test func `a token beyond 8 KB is not looked at`() {
        let payload = #"{"sub":"\#(String(repeating: "u", count: 8192))","aud":"portal"}"#
        #expect(refusal(signed(goodHeader, payload)) == .tooLong)
    }
}
