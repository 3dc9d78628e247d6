package import Contracts
import HTTPKit
package import Kernel
package import SecurityKit
import Synchronization

/// The tokens with which a service shows another who it is: EdDSA, `kid` and `sub` the caller,
/// `aud` the callee, five minutes at most.
package final class ServiceTokenIssuer: Sendable {
    /// How long a token counts.
    static let lifetime: Duration = .seconds(300)
    /// Tokens with less left than this are replaced.
    static let renewal: Duration = .seconds(120)

    private let caller: ServiceName
    private let signer: JWTSigner
    private let clock: any TimeSource
    private let issued = Mutex<[ServiceName: (token: String, expires: Timestamp)]>([:])

    package init(caller: ServiceName, key: Ed25519PrivateKey, clock: any TimeSource) {
        self.caller = caller
        signer = .ed25519(key, kid: caller.executableName)
        self.clock = clock
    }

    /// A token for the callee, from memory while it has two minutes left.
    package func token(for callee: ServiceName) -> String {
        issued.withLock { issued in
            let now = clock.now()
            if let known = issued[callee], known.expires - now > Self.renewal,
                known.expires - now <= Self.lifetime
            {
                return known.token
            }
            let expires = now + Self.lifetime
            let token = signer.sign(
                JWTClaims(
                    sub: caller.executableName, aud: [callee.executableName], exp: expires,
                    iat: now))
            issued[callee] = (token, expires)
            return token
        }
    }
}

/// Checks other services' tokens. A token that was checked is remembered until it expires, because
/// callers send the same one for minutes and a signature costs more than the rest of a call.
package final class ServiceTokenVerifier: Sendable {
    private static let maximumRemembered = 256
    private static let skew: Duration = .seconds(30)

    private struct Remembered {
        let service: ServiceName
        let expires: Timestamp
    }

    private let verifier: JWTVerifier
    private let clock: any TimeSource
    private let remembered = Mutex<[String: Remembered]>([:])

    /// - Parameter keys: the public keys of the services that may call.
    package init(
        callee: ServiceName, keys: [ServiceName: Ed25519PublicKey], clock: any TimeSource
    ) throws {
        let named = Dictionary(
            uniqueKeysWithValues: keys.map { ($0.key.executableName, $0.value) })
        verifier = try JWTVerifier(
            algorithm: .edDSA(named), audience: callee.executableName, skew: Self.skew,
            maximumLifetime: ServiceTokenIssuer.lifetime, clock: clock)
        self.clock = clock
    }

    /// Who sent the token. Throws 401 `invalid_token`.
    package func verify(_ token: String) throws(Problem) -> ServicePrincipal {
        let now = clock.now()
        if let known = remembered.withLock({ $0[token] }), known.expires > now {
            return ServicePrincipal(service: known.service)
        }
        let claims: JWTClaims
        do {
            claims = try verifier.verify(token)
        } catch {
            throw Credentials.invalidToken
        }
        guard let service = ServiceName(executableName: claims.sub),
            JWTHeader.kid(of: token) == claims.sub
        else { throw Credentials.invalidToken }
        remembered.withLock { remembered in
            if remembered.count >= Self.maximumRemembered {
                remembered = remembered.filter { $0.value.expires > now }
                if remembered.count >= Self.maximumRemembered { remembered.removeAll() }
            }
            remembered[token] = Remembered(service: service, expires: claims.exp)
        }
        return ServicePrincipal(service: service)
    }
}

extension ServiceName {
    /// `client-service` and so on; nil for any other text.
    package init?(executableName: String) {
        guard executableName.hasSuffix("-service") else { return nil }
        self.init(rawValue: String(executableName.dropLast("-service".count)))
    }
}

/// Reads the one header member that ties a token's key to its subject.
enum JWTHeader {
    /// The `kid` of a token whose signature was checked already.
    static func kid(of token: String) -> String? {
        struct Header: Decodable { let kid: String? }
        guard let part = token.split(separator: ".").first,
            let bytes = Base64URL.decode(String(part))
        else { return nil }
        return try? JSONCoding.decode(Header.self, from: bytes, strictness: .lenient).kid
    }
}
