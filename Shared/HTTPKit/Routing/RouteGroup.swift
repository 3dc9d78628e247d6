/// What one route allows, where it differs from its audience.
package struct RouteLimits: Sendable {
    /// The largest body, before and after decompression; nil for the audience's.
    package var bodyLimitBytes: Int?
    /// How long the handler may take; nil for the server's.
    package var deadline: Duration?
    /// Content types that a body may have; empty for any.
    package var contentTypes: [String]
    /// Whether a POST, PUT or PATCH without `Content-Length` and `Transfer-Encoding` gets 411.
    package var requiresLength: Bool

    /// Limits; by default a JSON body whose length is known.
    package init(
        bodyLimitBytes: Int? = nil, deadline: Duration? = nil,
        contentTypes: [String] = [MediaType.json], requiresLength: Bool = true
    ) {
        self.bodyLimitBytes = bodyLimitBytes
        self.deadline = deadline
        self.contentTypes = contentTypes
        self.requiresLength = requiresLength
    }

    /// The audience's limits.
    package static let standard = RouteLimits()
    /// For actions without a body (`POST …/pause`), where clients often send no length.
    package static let noBody = RouteLimits(requiresLength: false)
}

/// Mounts routes below one audience's prefix, behind its credential.
package struct RouteGroup<Principal: Sendable> {
    /// Answers one request of an authenticated caller.
    package typealias Handler = @Sendable (HTTPRequest, Principal) async throws -> HTTPResponse

    /// Whose routes these are.
    package let audience: Audience<Principal>
    private(set) var routes: [Route] = []

    init(_ audience: Audience<Principal>) {
        self.audience = audience
    }

    /// Mounts a handler. The template is below the prefix: `/campaigns/{campaign_id}`.
    package mutating func route(
        _ method: HTTPMethod, _ template: String, limits: RouteLimits = .standard,
        handler: @escaping Handler
    ) {
        let authenticate = audience.authenticate
        let inner = audience.innerMiddleware
        let respond: Route.Responder = { request in
            let principal = try await authenticate(request)
            guard !inner.isEmpty else { return try await handler(request, principal) }
            return try await Self.wrap({ try await handler($0, principal) }, in: inner)(request)
        }
        routes.append(
            Route(
                method: method, template: audience.prefix + template, audience: audience,
                limits: limits, respond: Self.wrap(respond, in: audience.middleware)))
    }

    /// Mounts a handler of `GET`; it answers `HEAD` too.
    package mutating func get(
        _ template: String, limits: RouteLimits = .standard, handler: @escaping Handler
    ) {
        route(.get, template, limits: limits, handler: handler)
    }

    /// Mounts a handler of `POST`.
    package mutating func post(
        _ template: String, limits: RouteLimits = .standard, handler: @escaping Handler
    ) {
        route(.post, template, limits: limits, handler: handler)
    }

    /// Mounts a handler of `PUT`.
    package mutating func put(
        _ template: String, limits: RouteLimits = .standard, handler: @escaping Handler
    ) {
        route(.put, template, limits: limits, handler: handler)
    }

    /// Mounts a handler of `PATCH`.
    package mutating func patch(
        _ template: String, limits: RouteLimits = .standard, handler: @escaping Handler
    ) {
        route(.patch, template, limits: limits, handler: handler)
    }

    /// Mounts a handler of `DELETE`.
    package mutating func delete(
        _ template: String, limits: RouteLimits = .standard, handler: @escaping Handler
    ) {
        route(.delete, template, limits: limits, handler: handler)
    }

    /// Mounts the answer of an internal call: JSON in, JSON out, 200.
    ///
    /// The endpoint names the whole path, which must lie below this group's prefix.
    package mutating func on<Input, Output>(
        _ endpoint: Endpoint<Input, Output>, limits: RouteLimits = .standard,
        handler: @escaping @Sendable (Input, HTTPRequest, Principal) async throws -> Output
    ) {
        precondition(
            endpoint.path.hasPrefix(audience.prefix + "/"),
            "The endpoint \(endpoint.path) does not lie below '\(audience.prefix)'.")
        let template = String(endpoint.path.dropFirst(audience.prefix.count))
        post(template, limits: limits) { request, principal in
            let input = try request.decode(Input.self)
            return .json(try await handler(input, request, principal))
        }
    }

    private static func wrap(
        _ respond: @escaping Route.Responder, in middleware: [any Middleware]
    ) -> Route.Responder {
        middleware.reversed().reduce(respond) { inner, outer in
            { request in try await outer.respond(to: request, next: inner) }
        }
    }
}
