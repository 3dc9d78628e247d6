import Contracts
import HTTPKit
import Kernel
import TestKit

/// The routes of every service, as the executables themselves list them.
struct RouteTable: Sendable {
    struct Route: Sendable, Decodable, CustomStringConvertible {
        let method: String
        let template: String
        let audience: String

        var description: String { "\(method) \(template)" }
        var httpMethod: HTTPMethod? { HTTPMethod(rawValue: method) }

        /// The names in braces, in order.
        var placeholders: [String] {
            template.matches(of: /{([a-z_]+)}/).map { String($0.1) }
        }

        /// The path with the values for its placeholders; nil when one is missing.
        func path(with values: (String) -> String?) -> String? {
            var path = template
            for name in placeholders {
                guard let value = values(name) else { return nil }
                path = path.replacing("{\(name)}", with: value)
            }
            return path
        }
    }

    let routes: [ServiceName: [Route]]

    static func read() async throws -> RouteTable {
        var routes: [ServiceName: [Route]] = [:]
        for service in Deployment.serviceNames {
            let output = try await Command.run(
                Repository.executable(service.executableName), ["--routes"])
            routes[service] = try JSONCoding.decode(
                [Route].self, from: Array(output.utf8), strictness: .lenient)
        }
        return RouteTable(routes: routes)
    }

    /// Every route of these audiences, sorted.
    func all(_ audiences: Set<String>) -> [Route] {
        routes.values.flatMap { $0 }.filter { audiences.contains($0.audience) }
            .sorted { ($0.template, $0.method) < ($1.template, $1.method) }
    }
}
