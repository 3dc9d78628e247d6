import Contracts
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit

/// A service whose routes do next to nothing, so that what is measured is the kits around them.
struct BenchmarkService: Service {
    struct Configuration: ServiceConfiguration {
        var key: String
        var rows: Int

        init(_ environment: inout EnvironmentReader) {
            key = environment.string(
                "GRAPEVINE_BENCHMARK_KEY", default: "", "the one API key that is known")
            rows = environment.integer(
                "GRAPEVINE_BENCHMARK_ROWS", default: 100_000, in: 1...1_000_000_000,
                "accounts that pgbench made")
        }
    }

    struct Status: Encodable {
        let status: String
    }

    struct Balance: Encodable {
        let balance: Int32
    }

    // The name of a service that is not measured beside this one.
    static let name = ServiceName.notification
    static let summary = "Answers for deploy/bench."
    static let migrations: [Migration] = []

    let configuration: Configuration
    let context: ServiceContext

    static func ports(
        _ configuration: Configuration, _ resources: ServiceResources
    ) throws -> ServicePorts {
        ServicePorts(keyResolver: OneKey(text: configuration.key, ids: resources.world.ids))
    }

    init(_ configuration: Configuration, _ context: ServiceContext) async throws {
        self.configuration = configuration
        self.context = context
    }

    func routes(_ router: inout Router) {
        let accounts = Accounts(count: configuration.rows)
        let postgres = context.postgres
        router.group(context.audiences.portal) { routes in
            routes.get("/status") { _, _ in .json(Status(status: "ok")) }
        }
        router.group(context.audiences.public) { routes in
            routes.get("/status") { _, _ in .json(Status(status: "ok")) }
            routes.get("/balance") { _, _ in
                .json(Balance(balance: try await accounts.readOne(postgres)))
            }
        }
    }
}

/// Stands in for client-service's tables; the kit caches what it says as it does theirs.
private struct OneKey: APIKeyResolver {
    private let hash: [UInt8]?
    private let key: ResolvedKey

    init(text: String, ids: any IDGenerator) {
        hash = APIKeySecret(parsing: text)?.hash
        key = ResolvedKey(
            keyID: ids.next(), clientID: ids.next(), kind: .secret, mode: .test, scopes: [],
            origins: [], clientStatus: .active, businessClockOffsetMilliseconds: 0)
    }

    func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? {
        hash == self.hash ? key : nil
    }
}
