import FoundationEssentials
import Kernel

/// Which shard a client's events are in: all of one client in one order.
struct ShardMap: Sendable {
    /// As many as the migration made; never changes for an installed log.
    static let installed = ShardMap(count: 8)

    let count: Int

    /// FNV-1a over the client's 16 bytes; the same on every replica and for ever.
    func shard(of client: ClientID) -> Int {
        let hash = withUnsafeBytes(of: client.uuid.uuid) { bytes in
            bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        return Int(hash % UInt64(count))
    }
}
