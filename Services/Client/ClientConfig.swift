import Kernel
package import SecurityKit
package import ServiceKit

/// Settings of client-service beside the common ones.
package struct ClientConfiguration: ServiceConfiguration {
    /// Signs member tokens; nil lets nobody sign in.
    package var memberKey: Ed25519PrivateKey?
    /// Still believed while a rotation lasts.
    package var previousMemberKey: Ed25519PrivateKey?
    /// Where browsers find the gateway.
    package var publicURL: String

    /// For tests and tools.
    package init(
        memberKey: Ed25519PrivateKey? = nil, previousMemberKey: Ed25519PrivateKey? = nil,
        publicURL: String = "http://127.0.0.1:8080"
    ) {
        self.memberKey = memberKey
        self.previousMemberKey = previousMemberKey
        self.publicURL = publicURL
    }

    package init(_ environment: inout EnvironmentReader) {
        memberKey = Self.key(
            "GRAPEVINE_CLIENT_MEMBER_KEY", &environment,
            "Ed25519 seed (32 bytes in base64url) that signs member tokens; without it nobody can "
                + "sign in")
        previousMemberKey = Self.key(
            "GRAPEVINE_CLIENT_MEMBER_KEY_PREVIOUS", &environment,
            "the seed before the current one, while a rotation lasts")
        publicURL = environment.httpURL(
            "GRAPEVINE_PUBLIC_URL", default: "http://127.0.0.1:8080",
            "where browsers find the gateway; cookies are Secure unless it is http on loopback")
    }

    /// Public halves, the current one first.
    var memberPublicKeys: [Ed25519PublicKey] {
        [memberKey, previousMemberKey].compactMap { $0?.publicKey }
    }

    /// False only for http on this machine, where a browser would not send a Secure cookie back.
    var cookiesAreSecure: Bool {
        guard publicURL.hasPrefix("http://") else { return true }
        let authority = publicURL.dropFirst("http://".count).prefix { $0 != "/" }
        let host =
            authority.hasPrefix("[")
            ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        return !(host == "localhost" || host == "[::1]" || Self.isLoopback(host))
    }

    /// Four numbers of which the first is 127; `127.evil.example` is a name.
    private static func isLoopback(_ host: Substring) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func key(
        _ name: String, _ environment: inout EnvironmentReader, _ what: String
    ) -> Ed25519PrivateKey? {
        environment.value(
            name, default: nil, written: "", example: "the output of the command generate-key",
            isSecret: true, what
        ) { text throws(InvalidValue) in
            guard let seed = Base64URL.decode(text), let key = try? Ed25519PrivateKey(seed: seed)
            else { throw InvalidValue("It is not 32 bytes in base64url without padding.") }
            return key
        }
    }
}
