import Contracts
import Kernel
import TestKit

/// What the services of a deployment are told, as `write_environment` in `deploy/local/secrets.sh`
/// does it.
struct DeploymentEnvironment: Sendable {
    let ports: [ServiceName: UInt16]
    let gatewayPort: UInt16
    let secrets: DeploymentSecrets
    let stores: Stores

    func variables(of name: ServiceName) -> [String: String] {
        var variables = [
            "GRAPEVINE_DATABASE_URL": stores.databases.url(of: name, secrets),
            "GRAPEVINE_REDIS_URL": stores.redis.url,
            "GRAPEVINE_SERVICE_KEY": secrets.seed(of: name),
            "GRAPEVINE_SERVICE_KEYS": secrets.publicKeys,
            "GRAPEVINE_TRUST_FORWARDED_FOR": "true",
        ]
        for (peer, port) in ports {
            if peer == name {
                variables["GRAPEVINE_LISTEN"] = "127.0.0.1:\(port)"
            } else {
                variables["GRAPEVINE_\(peer.rawValue.uppercased())_URL"] =
                    "http://127.0.0.1:\(port)"
            }
        }
        return variables.merging(own(name)) { $1 }
    }

    private func own(_ name: ServiceName) -> [String: String] {
        let publicURL = "http://127.0.0.1:\(gatewayPort)"
        switch name {
        case .client:
            return [
                "GRAPEVINE_STAFF_SECRET": secrets.staffSecret,
                "GRAPEVINE_CLIENT_MEMBER_KEY": secrets.memberSeed,
                "GRAPEVINE_PUBLIC_URL": publicURL,
            ]
        case .campaign:
            return ["GRAPEVINE_CAMPAIGN_PUBLIC_URL": publicURL]
        case .referral:
            return [
                "GRAPEVINE_REFERRAL_PUBLIC_URL": publicURL,
                "GRAPEVINE_REFERRAL_HASH_SECRET": secrets.hashSecret,
                // Everybody comes from one address here.
                "GRAPEVINE_REFERRAL_CLICKS_PER_MINUTE": "1000000",
            ]
        case .analytics:
            return ["GRAPEVINE_ANALYTICS_CLICKHOUSE_URL": stores.clickHouse.url]
        case .notification:
            return [
                "GRAPEVINE_NOTIFICATION_PUBLIC_URL": publicURL,
                "GRAPEVINE_NOTIFICATION_SMTP_URL": stores.mailSink.url,
                "GRAPEVINE_NOTIFICATION_KEY": secrets.notificationKey,
                "GRAPEVINE_NOTIFICATION_CLIENT_RATE": "1000000",
                // What somebody died over is taken up again when the deadline is over.
                "GRAPEVINE_NOTIFICATION_SEND_TIMEOUT": "2s",
                "GRAPEVINE_NOTIFICATION_WEBHOOK_TIMEOUT": "2s",
                "GRAPEVINE_NOTIFICATION_ALLOW_PRIVATE_TARGETS": "true",
            ]
        case .event:
            return [
                "GRAPEVINE_EVENT_PUBLIC_URL": publicURL,
                "GRAPEVINE_EVENT_KEY": secrets.eventKey,
            ]
        case .reward, .workflow:
            return [:]
        }
    }
}
