/// One mounted route: where it is, what it allows, how it answers.
final class Route: Sendable {
    typealias Responder = @Sendable (HTTPRequest) async throws -> HTTPResponse

    let method: HTTPMethod
    /// The whole template with the prefix.
    let template: String
    let audience: String
    let prefix: String
    let strictness: JSONStrictness
    let bodyLimitBytes: Int
    let limits: RouteLimits
    let crossOrigin: CrossOriginPolicy?
    let parameterNames: [String]
    let respond: Responder
    /// Whether monitoring asks it again and again.
    let isProbe: Bool
    /// Whether only services call it.
    let isInternal: Bool

    init<Principal>(
        method: HTTPMethod, template: String, audience: Audience<Principal>, limits: RouteLimits,
        respond: @escaping Responder
    ) {
        self.method = method
        self.template = template
        self.audience = audience.name
        prefix = audience.prefix
        strictness = audience.strictness
        bodyLimitBytes = limits.bodyLimitBytes ?? audience.bodyLimitBytes
        self.limits = limits
        crossOrigin = audience.crossOrigin
        parameterNames = RouteTemplate.segments(of: template).compactMap(\.parameter)
        self.respond = respond
        isInternal = template.hasPrefix("/internal/")
        isProbe = ["/healthz", "/readyz", "/metrics"].contains(template)
    }
}

/// A route as a list shows it.
package struct RouteDescription: Sendable, Hashable {
    /// How it is called.
    package let method: HTTPMethod
    /// The whole template with the prefix (`/v1/portal/campaigns/{campaign_id}`).
    package let template: String
    /// The audience's name.
    package let audience: String
    /// Whether it takes a body: without one it answers 411 or 400.
    package let takesBody: Bool
}

/// Reads templates such as `/campaigns/{campaign_id}/activate`.
enum RouteTemplate {
    enum Segment: Equatable {
        case literal(String)
        case parameter(String)

        var parameter: String? { if case .parameter(let name) = self { name } else { nil } }
    }

    /// The segments; traps on a template that is not of that form, which is a wiring error.
    static func segments(of template: String) -> [Segment] {
        precondition(template.hasPrefix("/"), "Template '\(template)' must start with '/'.")
        let parts = template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        precondition(
            template == "/" || !parts.contains(""), "Template '\(template)' has an empty segment.")
        return parts.filter { !$0.isEmpty }.map { part in
            guard part.hasPrefix("{") else {
                precondition(
                    !part.contains { $0 == "{" || $0 == "}" || $0 == "%" },
                    "A parameter of '\(template)' must be a whole segment.")
                return .literal(String(part))
            }
            let name = String(part.dropFirst().dropLast())
            precondition(
                part.hasSuffix("}") && !name.isEmpty, "Template '\(template)' is malformed.")
            return .parameter(name)
        }
    }
}
