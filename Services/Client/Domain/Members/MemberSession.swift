import Contracts
import Kernel
import SecurityKit

/// How long sessions last.
enum SessionPolicy {
    /// However often it is refreshed.
    static let lifetime: Duration = .seconds(30 * 86_400)
    /// Without being refreshed.
    static let idleLifetime: Duration = .seconds(7 * 86_400)
    /// The most that one member has open; the oldest ends when another begins.
    static let maximumOpen = 20
    /// How long the rows of a session are kept after its end.
    static let retention: Duration = .seconds(7 * 86_400)
}

/// Where a member is signed in.
struct MemberSession: Sendable, Hashable {
    /// Why a session ended.
    enum EndReason: String, Sendable, Codable, CaseIterable {
        case signedOut = "signed_out"
        /// An old refresh token came back: somebody has a copy.
        case reused
        /// Its member was removed.
        case removed
        /// The member signed in elsewhere too often.
        case superseded
    }

    let sessionID: SessionID
    let memberID: MemberID
    let clientID: ClientID
    let createdAt: Timestamp
    let expiresAt: Timestamp

    init(of member: Member, sessionID: SessionID, at now: Timestamp) {
        self.sessionID = sessionID
        memberID = member.memberID
        clientID = member.clientID
        createdAt = now
        expiresAt = now + SessionPolicy.lifetime
    }

    /// The id of the message that tells of the end.
    static func endMessageID(of session: SessionID) -> String { "\(session)/ended" }
}

/// A refresh token: random, good for one use. Only its hash is stored.
struct RefreshToken: Sendable {
    private static let mark = "gvr_"
    private static let randomByteCount = 32

    /// The whole token, as the cookie carries it. Never logged, never stored.
    let text: String

    static func generate() -> RefreshToken {
        RefreshToken(text: mark + Base64URL.encode(SecureRandom.bytes(randomByteCount)))
    }

    private init(text: String) { self.text = text }

    /// Reads what a caller sent. Nil when it cannot be a token of ours.
    init?(parsing text: String) {
        guard text.hasPrefix(Self.mark), text.utf8.count <= 100,
            Base64URL.decode(String(text.dropFirst(Self.mark.count)))?.count
                == Self.randomByteCount
        else { return nil }
        self.init(text: text)
    }

    /// SHA-256 of the text; enough for 256 random bits.
    var hash: [UInt8] { Digest.sha256(Array(text.utf8)) }
}
