package import HTTPKit
import Kernel

/// A service's routes as `--routes` prints them: for checks of its openapi.json, for walks over
/// every route.
package enum ServiceRoutes {
    /// Every route, the kit's own included, sorted by template and method. Asks no server. Throws
    /// what the service's own initialiser throws.
    package static func list<Owner: Service>(
        _ type: Owner.Type
    ) async throws -> [RouteDescription] {
        var environment = EnvironmentReader.describing()
        let common = CommonConfiguration(Owner.name, &environment)
        let own = Owner.Configuration(&environment)
        return try await list(type, own, common)
    }

    static func list<Owner: Service>(
        _ type: Owner.Type, _ own: Owner.Configuration, _ common: CommonConfiguration
    ) async throws -> [RouteDescription] {
        let resources = try ServiceResources(common, world: World())
        let routes: [RouteDescription]
        do {
            routes = try await ServiceAssembly<Owner>(own, resources).router.routes
        } catch {
            await resources.shutdown()
            throw error
        }
        await resources.shutdown()
        return routes
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
