import FoundationEssentials
package import Kernel

extension TypeID where Tag == ParticipantTag {
    /// The id of a client's end user, which every service computes alone and alike.
    ///
    /// A version 8 UUID (RFC 9562 §5.8) of the first 128 bits of
    /// SHA-256("grapevine.participant.v1", 0, client's 16 bytes, external id in UTF-8).
    package static func derived(client: ClientID, externalID: String) -> ParticipantID {
        let purpose = "grapevine.participant.v1\0"
        var message: [UInt8] = []
        message.reserveCapacity(purpose.utf8.count + 16 + externalID.utf8.count)
        message += purpose.utf8
        unsafe withUnsafeBytes(of: client.uuid.uuid) { unsafe message += $0 }
        message += externalID.utf8
        let version: UInt128 = 0x8 << 76
        let variant: UInt128 = 0b10 << 62
        let random = Digest.identity(of: message).bits & ~(0xF << 76) & ~(0b11 << 62)
        return ParticipantID(UUID(bits: random | version | variant))
    }
}
