import Kernel

/// What will be done with a request, decided from its head alone.
struct RequestPlan: Sendable {
    enum Action: Sendable {
        /// Run the handler, with the values of the path's parameters.
        case handle(Route, values: [String])
        /// Answer the question of a browser whether a page may call.
        case preflight(CrossOriginPolicy, allowed: String)
        /// Answer with this.
        case answer(HTTPResponse)
        /// Refuse; at once, closing the connection, when the body must not even be read.
        case refuse(Problem, HTTPHeaders, atOnce: Bool)
    }

    let method: HTTPMethod?
    /// Where the request belongs, for metrics, limits and the origin policy; nil when nowhere.
    let route: Route?
    let action: Action
    let bodyLimitBytes: Int
    let encoding: Gzip.Format?

    /// Bodies of refused requests are read up to here, so that the connection stays usable.
    static let discardLimitBytes = 1 << 16
}

extension RequestPlan {
    /// Decides. The framing was checked before.
    init(_ head: RequestHead, _ body: RequestFraming.Body, router: Router) {
        do throws(Problem) {
            self = try Self.decide(head, body, router)
        } catch {
            self = .refusing(error, method: HTTPMethod(rawValue: head.method))
        }
    }

    /// A refusal that reads the body first, so that the client sees the answer.
    static func refusing(
        _ problem: Problem, method: HTTPMethod?, route: Route? = nil, atOnce: Bool = false,
        headers: HTTPHeaders = HTTPHeaders()
    ) -> RequestPlan {
        RequestPlan(
            method: method, route: route, action: .refuse(problem, headers, atOnce: atOnce),
            bodyLimitBytes: discardLimitBytes, encoding: nil)
    }

    private static func decide(
        _ head: RequestHead, _ body: RequestFraming.Body, _ router: Router
    ) throws(Problem) -> RequestPlan {
        guard head.version == "HTTP/1.1" || head.version == "HTTP/1.0" else {
            return .refusing(.versionNotSupported, method: nil, atOnce: true)
        }
        guard let method = HTTPMethod(rawValue: head.method) else {
            return .refusing(.methodNotImplemented, method: nil, atOnce: true)
        }
        guard head.target.utf8.count <= RequestFraming.maximumTargetBytes else {
            return .refusing(.targetTooLong, method: method, atOnce: true)
        }
        guard head.headerBytes <= RequestFraming.maximumHeaderBytes,
            head.headers.fields.count <= RequestFraming.maximumFields
        else { return .refusing(.headersTooLarge, method: method, atOnce: true) }
        guard let match = router.match(path: head.path) else { throw .notFound("resource") }
        guard let route = match.endpoint.route(for: method) else {
            return withoutRoute(head, method, match.endpoint)
        }
        return try admit(head, body, method, route, values: match.values)
    }

    /// OPTIONS, preflights and 405.
    private static func withoutRoute(
        _ head: RequestHead, _ method: HTTPMethod, _ endpoint: RouteEndpoint
    ) -> RequestPlan {
        let allowed = endpoint.allowed
        guard method == .options else {
            return .refusing(
                .methodNotAllowed(allowed), method: method, route: endpoint.routes.first,
                headers: ["Allow": allowed])
        }
        let policy = endpoint.routes.lazy.compactMap(\.crossOrigin).first
        let isPreflight =
            head.headers.contains("Origin")
            && head.headers.contains("Access-Control-Request-Method")
        let action: Action =
            if isPreflight, let policy {
                .preflight(policy, allowed: allowed)
            } else {
                .answer(HTTPResponse(status: 204, headers: ["Allow": allowed]))
            }
        return RequestPlan(
            method: method, route: endpoint.routes.first, action: action,
            bodyLimitBytes: discardLimitBytes, encoding: nil)
    }

    /// 411, 413, 415 and 417: what the head already says about the body.
    private static func admit(
        _ head: RequestHead, _ body: RequestFraming.Body, _ method: HTTPMethod, _ route: Route,
        values: [String]
    ) throws(Problem) -> RequestPlan {
        if let expectation = head.headers["Expect"],
            !HTTPHeaders.isSameName(expectation, "100-continue")
        {
            return .refusing(.expectationFailed, method: method, route: route, atOnce: true)
        }
        if let length = body.length, length > route.bodyLimitBytes {
            return .refusing(
                .bodyTooLarge(limitBytes: route.bodyLimitBytes), method: method, route: route,
                atOnce: true)
        }
        do throws(Problem) {
            let hasBody = body.isChunked || (body.length ?? 0) > 0
            if method.hasBody, route.limits.requiresLength, body.length == nil, !body.isChunked {
                throw .lengthRequired
            }
            if hasBody { try checkType(head.headers, route.limits.contentTypes) }
            return RequestPlan(
                method: method, route: route, action: .handle(route, values: values),
                bodyLimitBytes: route.bodyLimitBytes,
                encoding: hasBody ? try ContentEncoding.format(of: head.headers) : nil)
        } catch {
            return .refusing(error, method: method, route: route)
        }
    }

    private static func checkType(
        _ headers: HTTPHeaders, _ accepted: [String]
    ) throws(Problem) {
        guard !accepted.isEmpty else { return }
        let types = headers.values("Content-Type")
        guard types.count == 1, let type = types.first else {
            throw .unsupportedMediaType(accepted: accepted)
        }
        if accepted.contains(MediaType.json), MediaType.isJSON(type) { return }
        let essence = MediaType.essence(of: type)
        guard essence != MediaType.json, accepted.contains(essence) else {
            throw .unsupportedMediaType(accepted: accepted)
        }
    }
}

extension Problem {
    static let versionNotSupported = Problem(
        status: 505, code: "http_version_not_supported", detail: "Use HTTP/1.1.")
    fileprivate static let methodNotImplemented = Problem(
        status: 501, code: "method_not_implemented", detail: "There is no such request method here."
    )
    static let targetTooLong = Problem(
        status: 414, code: "uri_too_long",
        detail: "The path and query may have at most \(RequestFraming.maximumTargetBytes) bytes.")
    static let headersTooLarge = Problem(
        status: 431, code: "headers_too_large",
        detail: "Send at most \(RequestFraming.maximumFields) header fields of "
            + "\(RequestFraming.maximumHeaderBytes) bytes together.")
    fileprivate static let expectationFailed = Problem(
        status: 417, code: "expectation_failed", detail: "The only expectation met is 100-continue."
    )
    fileprivate static let lengthRequired = Problem(
        status: 411, code: "length_required", detail: "Send a Content-Length.")

    fileprivate static func methodNotAllowed(_ allowed: String) -> Problem {
        Problem(
            status: 405, code: "method_not_allowed", detail: "This resource allows \(allowed).")
    }
}
