import Contracts
import Kernel
import TestKit

/// What the services of one deployment stand on, each a real server of its own.
struct Stores: Sendable {
    let databases: Databases
    let redis: PrivateServer
    let clickHouse: PrivateServer
    let mailSink: MailSink

    static func start(
        _ services: [ServiceName], _ secrets: DeploymentSecrets, in directory: String
    ) async throws -> Stores {
        async let clickHouse = PrivateServer.start(.clickhouse)
        async let redis = PrivateServer.start(.redis)
        let databases = try await Databases.start(services, secrets)
        return Stores(
            databases: databases, redis: try await redis, clickHouse: try await clickHouse,
            mailSink: try await MailSink.start(in: directory))
    }

    /// Ends all of them; the mails stay.
    func remove() async throws {
        try? await mailSink.stop()
        try? await redis.remove()
        try? await clickHouse.remove()
        try await databases.remove()
    }
}
