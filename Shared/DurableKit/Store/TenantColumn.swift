import FoundationEssentials
import Kernel

/// A client in a column that cannot be null, since it is part of a unique key: zeros are the
/// platform.
enum TenantColumn {
    private static let platform = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    static func uuid(_ client: ClientID?) -> UUID { client?.uuid ?? platform }

    static func client(_ uuid: UUID) -> ClientID? { uuid == platform ? nil : ClientID(uuid) }
}
