import Kernel
import Synchronization

extension Exchange {
    /// Does what the plan says. Never throws: whatever goes wrong becomes a problem document.
    func respond(_ body: [UInt8]?, _ due: ContinuousClock.Instant) async -> HTTPResponse {
        var response: HTTPResponse
        switch plan.action {
        case .refuse(let problem, let headers, _):
            response = .problem(problem, requestID: identity.requestID)
            for field in headers.fields { response.headers.add(field.name, field.value) }
        case .answer(let answer):
            response = answer
        case .preflight(let policy, let allowed):
            return await preflight(policy, allowed, request(body: [], values: [], due))
        case .handle(let route, let values):
            response = await handle(route, values, body, due)
        }
        if let policy = plan.route?.crossOrigin, let origin = head.headers["Origin"] {
            let request = request(body: [], values: [], due)
            await allow(origin, policy, request, &response)
        }
        return await compressed(response)
    }

    private func handle(
        _ route: Route, _ values: [String], _ body: [UInt8]?, _ due: ContinuousClock.Instant
    ) async -> HTTPResponse {
        do {
            guard var body else {
                throw Problem.bodyTooLarge(limitBytes: plan.bodyLimitBytes)
            }
            if let encoding = plan.encoding {
                body = try ContentEncoding.unpack(
                    body, encoding, limitBytes: route.bodyLimitBytes)
            }
            guard let query = QueryParameters(encoded: head.encodedQuery) else {
                throw Problem.badRequest(
                    "malformed_query", "The query has a broken percent escape.")
            }
            let request = request(body: body, values: values, query: query, due)
            let response = try await TraceContext.$current.withValue(identity.trace) {
                // So that calls to peers carry the request's id too.
                try await RequestScope.$current.withValue(
                    RequestScope(requestID: identity.requestID)
                ) { try await route.respond(request) }
            }
            if let fault = response.fault { logFault(fault, route) }
            if case .webSocket(let upgrade) = response.body, let refusal = admit(upgrade, request) {
                return refusal
            }
            return response
        } catch {
            return answer(to: error, route)
        }
    }

    private func answer(to error: any Error, _ route: Route) -> HTTPResponse {
        let problem: Problem
        if let error = error as? any ProblemConvertible {
            problem = error.problem
        } else if error is CancellationError {
            problem = .unavailable()
        } else {
            logFault(String(describing: error), route)
            problem = .internalError
        }
        return .problem(problem, requestID: identity.requestID)
    }

    /// Finds a place for a socket; the answer that refuses it when there is none.
    private func admit(_ upgrade: WebSocketUpgrade, _ request: HTTPRequest) -> HTTPResponse? {
        guard head.version == "HTTP/1.1" else {
            return WebSocketHandshake.refusal(
                of: request,
                as: Problem(
                    status: 426, code: "websocket_required",
                    detail: "Open a WebSocket with HTTP/1.1."))
        }
        guard !core.isDraining.load(ordering: .relaxed), let place = core.webSockets.reserve()
        else {
            return WebSocketHandshake.refusal(
                of: request,
                as: .unavailable(
                    "too_many_sockets", "There is no room for another WebSocket. Try again later."))
        }
        upgrade.place.withLock { $0 = place }
        return nil
    }

    private func logFault(_ fault: String, _ route: Route) {
        core.world.telemetry.logger.error(
            "request failed",
            [
                ("request_id", .text(identity.requestID)),
                ("trace_id", .text(identity.trace.traceID)),
                ("route", .text(route.template)), ("error", .text(fault)),
            ])
    }

    private func request(
        body: [UInt8], values: [String], query: QueryParameters = QueryParameters(),
        _ due: ContinuousClock.Instant
    ) -> HTTPRequest {
        HTTPRequest(
            method: plan.method ?? .get, path: head.path, query: query, headers: head.headers,
            body: body,
            pathParameters: PathParameters(
                names: plan.route?.parameterNames ?? [], values: values),
            remoteAddress: remoteAddress,
            context: RequestContext(
                requestID: identity.requestID, trace: identity.trace, deadline: due,
                receivedAt: receivedAt, logger: core.world.telemetry.logger),
            strictness: plan.route?.strictness ?? .strict)
    }

    /// The peer, or whom our gateway names as its peer.
    private var remoteAddress: String? {
        guard core.configuration.trustsForwardedFor,
            let last = head.headers.values("X-Forwarded-For").last?.split(separator: ",").last
        else { return connection.remoteAddress }
        return String(last.filter { $0 != " " && $0 != "\t" })
    }

    // MARK: - Other origins

    private func preflight(
        _ policy: CrossOriginPolicy, _ allowed: String, _ request: HTTPRequest
    ) async -> HTTPResponse {
        var response = HTTPResponse(status: 204, headers: ["Allow": allowed])
        guard let origin = head.headers["Origin"] else { return response }
        guard await allow(origin, policy, request, &response) else {
            let problem = Problem.forbidden(
                "origin_not_allowed", "Pages of this origin may not call here.")
            return .problem(problem, requestID: identity.requestID)
        }
        response.headers.add("Access-Control-Allow-Methods", allowed)
        response.headers.add(
            "Access-Control-Allow-Headers", policy.allowedHeaders.joined(separator: ", "))
        response.headers.add(
            "Access-Control-Max-Age", String(policy.maximumAge.components.seconds))
        return response
    }

    @discardableResult
    private func allow(
        _ origin: String, _ policy: CrossOriginPolicy, _ request: HTTPRequest,
        _ response: inout HTTPResponse
    ) async -> Bool {
        response.headers.add("Vary", "Origin")
        guard await policy.allows(origin, request) else { return false }
        response.headers.add("Access-Control-Allow-Origin", origin)
        response.headers.add(
            "Access-Control-Expose-Headers", policy.exposedHeaders.joined(separator: ", "))
        return true
    }

    // MARK: - Compression

    /// Bodies from here on are packed away from the library's thread.
    private static let heavyPackingBytes = 64 << 10

    private func compressed(_ response: HTTPResponse) async -> HTTPResponse {
        guard case .bytes(let bytes) = response.body,
            bytes.count >= core.configuration.compressionThresholdBytes,
            !response.headers.contains("Content-Encoding"),
            ContentEncoding.isCompressible(response.headers["Content-Type"])
        else { return response }
        var response = response
        response.headers.add("Vary", "Accept-Encoding")
        guard ContentEncoding.acceptsGzip(head.headers) else { return response }
        let packed =
            bytes.count > Self.heavyPackingBytes
            ? await Self.packOnPool(bytes) : Gzip.pack(bytes)
        guard let packed, packed.count < bytes.count else { return response }
        response.headers.add("Content-Encoding", "gzip")
        response.body = .bytes(packed)
        return response
    }

    @concurrent
    private static func packOnPool(_ bytes: [UInt8]) async -> [UInt8]? {
        Gzip.pack(bytes)
    }
}
