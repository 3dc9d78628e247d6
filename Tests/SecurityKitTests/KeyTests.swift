import Foundation
import Kernel
import SecurityKit
import Testing

@Suite struct APIKeySecretTests {
    @Test(arguments: [
        (APIKeySecret.Kind.publishable, APIKeySecret.Mode.live, "gv_pk_"),
        (.secret, .live, "gv_sk_"), (.publishable, .test, "gv_test_pk_"),
        (.secret, .test, "gv_test_sk_"),
    ])
    func `a key says what it is and reads back`(
        kind: APIKeySecret.Kind, mode: APIKeySecret.Mode, prefix: String
    ) throws {
        let key = APIKeySecret.generate(kind: kind, mode: mode)
        #expect(key.text.hasPrefix(prefix))
        #expect(key.text.count == prefix.count + 36)
        let read = try #require(APIKeySecret(parsing: key.text))
        #expect(read == key)
        #expect(read.kind == kind && read.mode == mode)
        #expect(read.hash == Digest.sha256(bytes(utf8: key.text)))
        #expect(key.text.hasSuffix(key.hint) && key.hint.count == 4)
    }

    @Test func `a key that differs in one character is refused without a lookup`() {
        let key = APIKeySecret.generate(kind: .secret, mode: .live)
        var refused = 0
        for offset in 6..<key.text.count {
            var characters = Array(key.text)
            characters[offset] = characters[offset] == "0" ? "1" : "0"
            if APIKeySecret(parsing: String(characters)) == nil { refused += 1 }
        }
        // The checksum has 20 bits: all 36 changes are caught but once in thousands of runs.
        #expect(refused >= 35)
    }

    @Test(arguments: ["", "gv_sk_", "gv_xx_0", "sk_live_123", "gv_sk_\u{0}", "gv_test_"])
    func `other texts are no keys`(text: String) {
        #expect(APIKeySecret(parsing: text) == nil)
    }

    @Test func `upper case, white space and a swapped kind are refused`() {
        let text = APIKeySecret.generate(kind: .publishable, mode: .live).text
        #expect(APIKeySecret(parsing: text.uppercased()) == nil)
        #expect(APIKeySecret(parsing: text + " ") == nil)
        #expect(APIKeySecret(parsing: " " + text) == nil)
        let swapped = text.replacingOccurrences(of: "gv_pk_", with: "gv_sk_")
        #expect(APIKeySecret(parsing: swapped) == nil)
    }

    @Test func `a key's description hides its random part`() {
        let key = APIKeySecret.generate(kind: .secret, mode: .test)
        #expect("\(key)" == "gv_test_sk_…\(key.hint)")
    }
}

@Suite struct ParticipantIDTests {
    private let client: ClientID

    init() throws {
        client = try #require(ClientID("cli_01h455vb4pex5vsknk084sn02q"))
    }

    @Test func `every service derives the same id from client and external id`() {
        // SHA-256("grapevine.participant.v1" 00 01890a5d ac96 774b bcce b302099a8057 "user-1"),
        // computed apart from this code; it must never change.
        let id = ParticipantID.derived(client: client, externalID: "user-1")
        #expect(id.uuid.uuidString == "3ECA76D5-B58D-8F8E-830C-A92DC1E4B3CC")
        #expect(id == ParticipantID.derived(client: client, externalID: "user-1"))
    }

    @Test func `a derived id is a UUID of version 8`() {
        for number in 0..<100 {
            let uuid = ParticipantID.derived(client: client, externalID: "\(number)").uuid.uuid
            #expect(uuid.6 >> 4 == 8)
            #expect(uuid.8 >> 6 == 2)
        }
    }

    @Test func `another client or another external id gives another id`() {
        let other = ClientID(UUID())
        let id = ParticipantID.derived(client: client, externalID: "a")
        #expect(id != ParticipantID.derived(client: other, externalID: "a"))
        #expect(id != ParticipantID.derived(client: client, externalID: "A"))
        #expect(id != ParticipantID.derived(client: client, externalID: ""))
    }
}
