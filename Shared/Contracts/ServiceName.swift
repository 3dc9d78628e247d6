/// The services of Grapevine, each one executable with its own database and role (DESIGN §2).
package enum ServiceName: String, Sendable, Codable, CaseIterable, Comparable {
    case client, campaign, event, referral, reward, analytics, notification, workflow

    /// The executable, image and manifest: `client-service`.
    package var executableName: String { "\(rawValue)-service" }

    /// The loopback port on one machine, 8101 to 8108 in the order of the cases.
    package var defaultPort: UInt16 {
        switch self {
        case .client: 8101
        case .campaign: 8102
        case .event: 8103
        case .referral: 8104
        case .reward: 8105
        case .analytics: 8106
        case .notification: 8107
        case .workflow: 8108
        }
    }

    package static func < (left: Self, right: Self) -> Bool { left.defaultPort < right.defaultPort }
}
