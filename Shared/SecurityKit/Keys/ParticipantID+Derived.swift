import FoundationEssentials
package import Kernel

extension TypeID where Tag == ParticipantTag {
    /// The id of a client's end user, which every service computes alone and alike.
    ///
    /// A version 8 UUID (RFC 9562 §5.8) of the first 128 bits of
    /// SHA-256("grapevine.participant.v1", 0, client's 16 bytes, external id in UTF-8).
    package static func derived(client: ClientID, externalID: String) -> ParticipantID {
        var message = [UInt8]("grapevine.participant.v1\0".utf8)
        let id = client.uuid.uuid
        message += [
            id.0, id.1, id.2, id.3, id.4, id.5, id.6, id.7, id.8, id.9, id.10, id.11, id.12, id.13,
            id.14, id.15,
        ]
        message += externalID.utf8
        let digest = Digest.sha256(message)
        return ParticipantID(
            UUID(
                uuid: (
                    digest[0], digest[1], digest[2], digest[3], digest[4], digest[5],
                    digest[6] & 0x0F | 0x80, digest[7], digest[8] & 0x3F | 0x80, digest[9],
                    digest[10], digest[11], digest[12], digest[13], digest[14], digest[15]
                )))
    }
}
