import Contracts
import HTTPKit
import Kernel

/// What `--help` prints, made from the declarations themselves.
enum ServiceHelp {
    static func text<Owner: Service>(_ type: Owner.Type) async -> String {
        var environment = EnvironmentReader.describing()
        let common = CommonConfiguration(Owner.name, &environment)
        let own = Owner.Configuration(&environment)
        var text = """
            \(Owner.name.executableName) \(Version.current)
            \(Owner.summary)

            Usage: \(Owner.name.executableName) [command]

            Commands
            \(table(commands(type)))

            Variables (secrets also as <NAME>_FILE, the name of a file)
            \(variables(environment.variables))
            """
        if !Owner.crashPoints.isEmpty {
            text += "\n\nCrash points\n"
            text += Owner.crashPoints.map { "  \($0)" }.joined(separator: "\n")
        }
        if let routes = await routes(type, own, common) {
            text += "\n\nRoutes\n" + routes
        }
        return text
    }

    private static func commands<Owner: Service>(_ type: Owner.Type) -> [(String, String)] {
        let standard = [
            ("(none)", "serve until SIGTERM"),
            ("migrate", "bring the database's schema up to date"),
            ("public-key", "print the public key of GRAPEVINE_SERVICE_KEY"),
            ("generate-key", "print a new seed for GRAPEVINE_SERVICE_KEY"),
            ("--crash-points", "list the crash points that tests may use"),
            ("--routes", "print every route as JSON: method, template, audience"),
            ("--version", "print the version"),
            ("--help", "print this"),
        ]
        return standard + Owner.commands.map { ($0.name, $0.summary) }
    }

    private static func variables(_ variables: [EnvironmentReader.Variable]) -> String {
        variables.map { variable in
            let standard =
                switch variable.defaultText {
                case nil: "required"
                case "": "not set by default"
                case .some(let text): "default \(text)"
                }
            let kind = variable.isSecret ? ", secret" : ""
            return "  \(variable.name) (\(standard)\(kind))\n      \(variable.what)"
        }.joined(separator: "\n")
    }

    /// Nil when the service cannot be wired without its surroundings.
    private static func routes<Owner: Service>(
        _ type: Owner.Type, _ own: Owner.Configuration, _ common: CommonConfiguration
    ) async -> String? {
        guard let routes = try? await ServiceRoutes.withRouter(type, own, common, { $0.routes })
        else { return nil }
        let rows = routes.map {
            ("\($0.method.rawValue) \($0.template)", $0.audience)
        }
        return table(rows)
    }

    private static func table(_ rows: [(String, String)]) -> String {
        let width = rows.map { $0.0.count }.max() ?? 0
        return rows.map { left, right in
            let gap = String(repeating: " ", count: width - left.count + 2)
            return "  \(left)\(gap)\(right)"
        }.joined(separator: "\n")
    }
}
