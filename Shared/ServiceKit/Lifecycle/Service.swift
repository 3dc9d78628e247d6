package import Contracts
package import HTTPKit
package import Kernel
package import MessagingKit
package import PostgresKit

/// One service: what it is called, what it keeps, and how its parts are wired.
///
/// The runner calls, in this order: `ports`, `init`, `routes`, `readiness`, `background`.
package protocol Service: Sendable {
    associatedtype Configuration: ServiceConfiguration

    static var name: ServiceName { get }
    /// One sentence for `--help`.
    static var summary: String { get }
    /// Every crash point that this service can reach, those of the kits that it uses included.
    static var crashPoints: [CrashPoint] { get }
    /// The tables of the kits that it uses, then its own. ServiceKit's own are added by the runner.
    static var migrations: [Migration] { get }
    /// The public API in OpenAPI 3.1 (`Services/<Name>/openapi.json`), served at `/openapi.json`;
    /// nil for a service that has no description.
    static var openAPI: [UInt8]? { get }
    /// What the executable can do beside serving.
    static var commands: [ServiceCommand<Self>] { get }

    /// Replaces what is otherwise reached over HTTP, in the service that owns it.
    static func ports(
        _ configuration: Configuration, _ resources: ServiceResources
    ) throws -> ServicePorts

    /// Wires the parts. The schema is up to date. Not the place to call out: `--help` wires the
    /// service too, to list its routes, and then nothing is there.
    init(_ configuration: Configuration, _ context: ServiceContext) async throws

    /// Mounts the routes, through the context's audiences.
    func routes(_ router: inout Router)
    /// What runs while the service does.
    func background() -> [BackgroundTask]
    /// What `/readyz` reports beside the database, Redis and the log.
    func readiness() -> [ReadinessCheck]
}

extension Service {
    package static var crashPoints: [CrashPoint] { [] }
    package static var openAPI: [UInt8]? { nil }
    package static var commands: [ServiceCommand<Self>] { [] }

    /// Asks the peers for everything.
    package static func ports(
        _ configuration: Configuration, _ resources: ServiceResources
    ) throws -> ServicePorts { ServicePorts() }

    /// Nothing beside the kit's own tasks.
    package func background() -> [BackgroundTask] { [] }
    /// Nothing beside the kit's own checks.
    package func readiness() -> [ReadinessCheck] { [] }
}

/// A command of the executable: `client-service create-client --name Shop`.
package struct ServiceCommand<Owner: Sendable>: Sendable {
    /// Lower case with hyphens.
    package let name: String
    /// What it does, as a phrase.
    package let summary: String
    /// Gets the wired service, its context and the arguments after the name; prints its result to
    /// standard output. The log goes to standard error. What it throws ends the process with 1.
    package let run: @Sendable (Owner, ServiceContext, [String]) async throws -> Void

    package init(
        _ name: String, _ summary: String,
        run: @escaping @Sendable (Owner, ServiceContext, [String]) async throws -> Void
    ) {
        self.name = name
        self.summary = summary
        self.run = run
    }
}

/// What a service brings itself instead of asking a peer. Nil asks the peer.
package struct ServicePorts: Sendable {
    /// Client-service's own tables. The kit remembers its answers and follows the log, as it does
    /// for the peer's.
    package var keyResolver: (any APIKeyResolver)?
    /// Client-service's own tables, likewise.
    package var sessionResolver: (any SessionResolver)?
    /// Client-service's own keys for member tokens.
    package var memberKeys: (any MemberKeySource)?
    /// Event-service's own log.
    package var log: (any LogPort)?

    package init(
        keyResolver: (any APIKeyResolver)? = nil, sessionResolver: (any SessionResolver)? = nil,
        memberKeys: (any MemberKeySource)? = nil, log: (any LogPort)? = nil
    ) {
        self.keyResolver = keyResolver
        self.sessionResolver = sessionResolver
        self.memberKeys = memberKeys
        self.log = log
    }
}
