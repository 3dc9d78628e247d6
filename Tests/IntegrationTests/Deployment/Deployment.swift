import Contracts
import HTTPKit
import Kernel
import RedisKit
import TestKit

/// All of Grapevine as an operator would run it: the eight executables, PostgreSQL, Redis,
/// ClickHouse, a mail server and nginx, each a real process on a free loopback port.
struct Deployment: Sendable {
    static let serviceNames = ServiceName.allCases

    /// The deployment that the running test may use; see `DeploymentTrait`.
    @TaskLocal static var current: Deployment?

    /// Where the logs are. They stay for a day.
    let directory: String
    let secrets: DeploymentSecrets
    let stores: Stores
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

    var databases: Databases { stores.databases }
    var redis: PrivateServer { stores.redis }

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
        let stores = try await Stores.start(serviceNames, secrets, in: directory)
        do {
            return try await start(directory, secrets, stores)
        } catch {
            try? await stores.remove()
            throw error
        }
    }

    private static func start(
        _ directory: String, _ secrets: DeploymentSecrets, _ stores: Stores
    ) async throws -> Deployment {
        var ports: [ServiceName: UInt16] = [:]
        for name in serviceNames { ports[name] = FreePort.find() }
        let gatewayPort = FreePort.find()
        let services = ports.sorted { $0.key < $1.key }.map { name, port in
            SupervisedService(
                name, port: port,
                environment: DeploymentEnvironment(
                    ports: ports, gatewayPort: gatewayPort, secrets: secrets, stores: stores
                ).variables(of: name),
                logPath: "\(directory)/\(name.rawValue).log")
        }
        do {
            for service in services { try await service.start() }
            let deployment = Deployment(
                directory: directory, secrets: secrets, stores: stores, services: services,
                gateway: try await Gateway.start(
                    in: directory, before: ports, port: gatewayPort),
                http: HTTPClient(Self.patientClient, world: World()))
            try await deployment.waitUntilReady()
            return deployment
        } catch {
            let logs = logTails(of: services, in: directory)
            for service in services { _ = try? await service.stop() }
            throw ProcessError("The deployment does not start: \(error)\n\(logs)")
        }
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
        try await stores.remove()
    }
}
