package import HTTPKit
import Kernel

/// A service's routes as `--routes` prints them: for checks of its openapi.json, for walks over
/// every route.
package enum ServiceRoutes {
    /// Where a service's public API is described.
    package static let descriptionPath = "/openapi.json"
    /// Routes that the kit mounts in every service, for operators; no part of a service's own API.
    package static let operational: Set<String> = [
        "/healthz", "/readyz", "/metrics", descriptionPath,
    ]

    /// Every route, the kit's own included, sorted by template and method. Asks no server. Throws
    /// what the service's own initialiser throws.
    package static func list<Owner: Service>(
        _ type: Owner.Type
    ) async throws -> [RouteDescription] {
        try await withRouter(type) { $0.routes }
    }

    /// Wires the service without any server behind it, for checks of its routes.
    ///
    /// - Parameter configure: changes the defaults, which let nobody in.
    package static func withRouter<Owner: Service, Value: Sendable>(
        _ type: Owner.Type, configure: (inout CommonConfiguration) -> Void = { _ in },
        _ body: (Router) async throws -> Value
    ) async throws -> Value {
        var environment = EnvironmentReader.describing()
        var common = CommonConfiguration(Owner.name, &environment)
        let own = Owner.Configuration(&environment)
        configure(&common)
        return try await withRouter(type, own, common, body)
    }

    static func withRouter<Owner: Service, Value: Sendable>(
        _ type: Owner.Type, _ own: Owner.Configuration, _ common: CommonConfiguration,
        _ body: (Router) async throws -> Value
    ) async throws -> Value {
        let resources = try ServiceResources(common, world: World())
        let result: Result<Value, any Error>
        do {
            let assembly = try await ServiceAssembly<Owner>(own, resources)
            result = .success(try await body(assembly.router))
        } catch {
            result = .failure(error)
        }
        await resources.shutdown()
        return try result.get()
    }

    /// A JSON array with a route on each line.
    static func document(_ routes: [RouteDescription]) throws -> String {
        let lines = try routes.map { route in
            let row = Row(
                method: route.method.rawValue, template: route.template, audience: route.audience)
            return "  " + String(decoding: try JSONCoding.encode(row), as: UTF8.self)
        }
        return "[\n" + lines.joined(separator: ",\n") + "\n]"
    }

    private struct Row: Encodable {
        let method: String
        let template: String
        let audience: String
    }
}
