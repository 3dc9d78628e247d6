import Contracts
import HTTPKit
import Kernel
import RedisKit
import TestKit

/// All of Grapevine as an operator would run it: the five executables, PostgreSQL, Redis and nginx,
/// each a real process on a free loopback port.
struct Deployment: Sendable {
    static let serviceNames: [ServiceName] = [.client, .campaign, .event, .reward, .workflow]

    /// The deployment that the running test may use; see `DeploymentTrait`.
    @TaskLocal static var current: Deployment?

    /// Where the logs are. They stay for a day.
    let directory: String
    let secrets: DeploymentSecrets
    let databases: Databases
    let redis: PrivateRedis
    let services: [SupervisedService]
    let gateway: Gateway
    let http: HTTPClient
    /// What was answered so far that should not have been.
    let complaints = Complaints()

    /// The deployment of this test. Throws outside of a suite that has one.
    static func required() throws -> Deployment {
        guard let current else { throw ProcessError("The suite has no .deployment trait.") }
        return current
    }

    subscript(name: ServiceName) -> SupervisedService {
        get throws {
            guard let service = services.first(where: { $0.name == name }) else {
                throw ProcessError("\(name.executableName) is not part of the deployment.")
            }
            return service
        }
    }

    /// Starts everything and waits until it is ready.
    static func start() async throws -> Deployment {
        let directory = try Repository.scratchDirectory("deployment")
        let secrets = try DeploymentSecrets(serviceNames)
        let databases = try await Databases.start(serviceNames, secrets)
        let redis: PrivateRedis
        do {
            redis = try await PrivateRedis.start()
        } catch {
            try? await databases.remove()
            throw error
        }
        do {
            return try await start(directory, secrets, databases, redis)
        } catch {
            try? await databases.remove()
            try? await redis.remove()
            throw error
        }
    }

    private static func start(
        _ directory: String, _ secrets: DeploymentSecrets, _ databases: Databases,
        _ redis: PrivateRedis
    ) async throws -> Deployment {
        var ports: [ServiceName: UInt16] = [:]
        for name in serviceNames { ports[name] = FreePort.find() }
        let services = ports.sorted { $0.key < $1.key }.map { name, port in
            SupervisedService(
                name, port: port,
                environment: environment(name, ports, secrets, databases, redis),
                logPath: "\(directory)/\(name.rawValue).log")
        }
        do {
            for service in services { try await service.start() }
            let deployment = Deployment(
                directory: directory, secrets: secrets, databases: databases, redis: redis,
                services: services, gateway: try await Gateway.start(in: directory, before: ports),
                http: HTTPClient(Self.patientClient, world: World()))
            try await deployment.waitUntilReady()
            return deployment
        } catch {
            let logs = logTails(of: services, in: directory)
            for service in services { _ = try? await service.stop() }
            throw ProcessError("The deployment does not start: \(error)\n\(logs)")
        }
    }

    /// As `write_environment` in `deploy/local/secrets.sh`.
    private static func environment(
        _ name: ServiceName, _ ports: [ServiceName: UInt16], _ secrets: DeploymentSecrets,
        _ databases: Databases, _ redis: PrivateRedis
    ) -> [String: String] {
        var variables = [
            "GRAPEVINE_DATABASE_URL": databases.url(of: name, secrets),
            "GRAPEVINE_REDIS_URL": redis.url,
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
        if name == .client { variables["GRAPEVINE_STAFF_SECRET"] = secrets.staffSecret }
        return variables
    }

    /// Repeats are the tests' own business, and so is knocking at a closed door.
    private static var patientClient: HTTPClientConfiguration {
        var configuration = HTTPClientConfiguration()
        configuration.circuitBreaker.failureThreshold = .max
        configuration.connectionsPerHost = 256
        return configuration
    }

    /// Ends everything; the logs stay.
    func stop() async throws {
        await withDiscardingTaskGroup { group in
            for service in services {
                group.addTask { _ = try? await service.stop() }
            }
            group.addTask { try? await gateway.stop() }
        }
        await http.shutdown()
        try? await redis.remove()
        try await databases.remove()
    }
}
