import HTTPKit
import Kernel
import SecurityKit

/// A token by which the client's server vouches that a browser is used by one person: a JWT
/// (HS256) with `sub` the person's external id, `aud` `grapevine` and `exp`.
enum UserToken {
    static let header = "X-Grapevine-User-Token"
    static let member = "user_token"
    static let audience = "grapevine"
    /// How far ahead a token's end may lie.
    static let maximumLifetime: Duration = .seconds(86_400)

    /// Whose token it is, as external id. Throws 401 when it does not count; nothing of the request
    /// is taken then, so that the sender may send all of it again with a new one.
    static func subject(
        of token: String, _ keys: EventSecretKeys?, clock: any TimeSource
    ) throws(Problem) -> String {
        guard let keys else {
            throw .unauthorized(
                "user_token_invalid", "This client has no secret for user tokens.")
        }
        let claims: JWTClaims
        do {
            let verifier = try JWTVerifier(
                algorithm: .hs256(
                    current: keys.current, previous: keys.previous(at: clock.now())),
                audience: audience, maximumLifetime: maximumLifetime, clock: clock)
            claims = try verifier.verify(token)
        } catch JWTError.expired {
            throw .unauthorized(
                "user_token_expired", "The user token has expired. Send all again with a new one.")
        } catch {
            throw .unauthorized(
                "user_token_invalid",
                "The user token is not one of HS256 with this client's secret, aud 'grapevine', "
                    + "sub, and exp at most a day ahead.")
        }
        return claims.sub
    }

    /// How far an event can be believed with a token of this person. Throws why it is not taken.
    static func trust(
        in event: IncomingEvent, of subject: String, _ trust: Trust
    ) throws(EventRejection) -> Trust {
        guard let person = event.externalID else { return trust }
        guard person == subject else {
            throw .field(
                "participant_id", "user_token_mismatch",
                "The user token is another person's than the event.")
        }
        return max(trust, .signedUser)
    }
}
