import Contracts
import HTTPKit
import Kernel
import SecurityKit

/// The messages by which the others learn of clients and keys.
enum ClientMessages {
    static func of(_ client: Client, type: String) throws -> LogMessage {
        LogMessage(
            id: client.messageID, type: type, clientID: client.clientID,
            occurredAt: client.businessTime(at: client.updatedAt), data: try json(client.news))
    }

    static func created(_ key: APIKey, hash: [UInt8], of client: Client) throws -> LogMessage {
        try of(
            key, hash: hash, id: key.creationMessageID, type: ClientMessage.keyCreated,
            at: client.businessTime(at: key.createdAt))
    }

    static func revoked(_ key: APIKey, hash: [UInt8], at time: Timestamp) throws -> LogMessage {
        try of(
            key, hash: hash, id: key.revocationMessageID, type: ClientMessage.keyRevoked, at: time)
    }

    static func removed(_ member: Member, at time: Timestamp) throws -> LogMessage {
        LogMessage(
            id: member.removalMessageID, type: ClientMessage.memberRemoved,
            clientID: member.clientID, subject: member.memberID.description, occurredAt: time,
            data: try json(MemberChange(memberID: member.memberID)))
    }

    static func ended(
        _ session: SessionID, of member: Member, at time: Timestamp
    ) throws -> LogMessage {
        LogMessage(
            id: MemberSession.endMessageID(of: session), type: ClientMessage.sessionEnded,
            clientID: member.clientID, subject: session.description, occurredAt: time,
            data: try json(MemberChange(memberID: member.memberID)))
    }

    private static func of(
        _ key: APIKey, hash: [UInt8], id: String, type: String, at time: Timestamp
    ) throws -> LogMessage {
        LogMessage(
            id: id, type: type, clientID: key.clientID, subject: key.keyID.description,
            occurredAt: time,
            data: try json(KeyChange(keyID: key.keyID, keyHash: Hex.encode(hash))))
    }

    private static func json(_ value: some Encodable) throws -> JSONValue {
        try JSONCoding.parse(try JSONCoding.encode(value))
    }
}
