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
