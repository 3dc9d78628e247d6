import Contracts
import HTTPKit
import SecurityKit
import ServiceKit

/// `GET /.well-known/jwks.json`: the public keys of member tokens, for anyone.
struct MemberKeySet: Sendable {
    let keys: [Ed25519PublicKey]

    func respond(_ request: HTTPRequest, _: Void) async throws -> HTTPResponse {
        // Short, so that a rotation is over soon; other services ask every minute.
        .json(
            JSONWebKeySet(keys: keys.map(MemberTokens.published)),
            headers: ["Cache-Control": "public, max-age=60"])
    }
}
