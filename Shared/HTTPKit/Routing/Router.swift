/// Every route of a server, by method and path.
///
/// Built once at start. Mistakes in it (a route twice, a route below another audience's prefix) are
/// wiring errors and stop the process at once.
package struct Router: Sendable {
    private var tree = RouteTree()
    private var prefixes: [String: String] = [:]
    private var mounted: [Route] = []

    /// No routes.
    package init() {}

    /// Mounts routes below an audience's prefix. May be called several times for one audience.
    package mutating func group<Principal>(
        _ audience: Audience<Principal>, _ build: (inout RouteGroup<Principal>) -> Void
    ) {
        precondition(
            prefixes[audience.prefix, default: audience.name] == audience.name,
            "Two audiences share the prefix '\(audience.prefix)'.")
        precondition(
            audience.prefix.isEmpty
                || (audience.prefix.hasPrefix("/") && !audience.prefix.hasSuffix("/")),
            "The prefix '\(audience.prefix)' must be like '/v1/portal'.")
        prefixes[audience.prefix] = audience.name
        var group = RouteGroup(audience)
        build(&group)
        for route in group.routes {
            tree.insert(route)
            mounted.append(route)
        }
        checkPrefixes()
    }

    /// Every route, sorted by template and method.
    package var routes: [RouteDescription] {
        mounted.map {
            RouteDescription(
                method: $0.method, template: $0.template, audience: $0.audience,
                takesBody: $0.method.hasBody && $0.limits.requiresLength)
        }.sorted { ($0.template, $0.method) < ($1.template, $1.method) }
    }

    var allRoutes: [Route] { mounted }

    func match(path: String) -> RouteMatch? { tree.match(path: path) }

    /// The longest prefix decides the credential: a route lies below its own and no longer one.
    private func checkPrefixes() {
        for route in mounted {
            let longest = prefixes.keys.filter { prefix in
                prefix.isEmpty || route.template == prefix
                    || route.template.hasPrefix(prefix + "/")
            }.max { $0.utf8.count < $1.utf8.count }
            precondition(
                longest == route.prefix,
                "\(route.method.rawValue) \(route.template) lies below another audience's prefix.")
        }
    }
}

/// The routes at one path, and the values of the path's parameters.
struct RouteMatch {
    let endpoint: RouteEndpoint
    let values: [String]
}

/// The routes at one template, by method.
struct RouteEndpoint: Sendable {
    private(set) var routes: [Route] = []

    func route(for method: HTTPMethod) -> Route? {
        let wanted: HTTPMethod = method == .head ? .get : method
        return routes.first { $0.method == wanted }
    }

    /// What `Allow` says.
    var allowed: String {
        var methods = Set(routes.map(\.method))
        if methods.contains(.get) { methods.insert(.head) }
        methods.insert(.options)
        return methods.sorted().map(\.rawValue).joined(separator: ", ")
    }

    mutating func insert(_ route: Route) {
        precondition(
            !routes.contains { $0.method == route.method },
            "\(route.method.rawValue) \(route.template) is mounted twice.")
        routes.append(route)
    }
}
