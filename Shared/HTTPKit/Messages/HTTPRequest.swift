package import Kernel

/// One request, complete with its body, as a handler sees it.
package struct HTTPRequest: Sendable {
    /// How the request was made; `HEAD` reaches the handler of `GET` as `.head`.
    package var method: HTTPMethod
    /// The path as sent, still percent-encoded, without the query.
    package var path: String
    /// The parameters after `?`, decoded.
    package var query: QueryParameters
    /// The header fields, in order.
    package var headers: HTTPHeaders
    /// The body after removal of any `Content-Encoding`; within the route's limit.
    package var body: [UInt8]
    /// The values of the template's `{names}`, decoded.
    package var pathParameters: PathParameters
    /// Who called, as a numeric address; the gateway's word is taken only where configured.
    package var remoteAddress: String?
    /// Ids, deadline and logger of this request.
    package let context: RequestContext
    /// How JSON bodies are read; comes from the audience.
    package var strictness: JSONStrictness

    /// A request for tests and for middleware that changes one.
    package init(
        method: HTTPMethod, path: String, query: QueryParameters = QueryParameters(),
        headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [],
        pathParameters: PathParameters = PathParameters(), remoteAddress: String? = nil,
        context: RequestContext, strictness: JSONStrictness = .strict
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.pathParameters = pathParameters
        self.remoteAddress = remoteAddress
        self.context = context
        self.strictness = strictness
    }

    /// The JSON body as a value of a type.
    ///
    /// Throws 415 unless the content type is JSON, 400 `body_required` for an empty body, 400
    /// `malformed_json`, and 400 `validation_failed` with JSON pointers.
    package func decode<Value: Decodable>(
        _ type: Value.Type = Value.self
    ) throws(Problem) -> Value {
        try requireJSON()
        return try JSONCoding.decode(type, from: body, strictness: strictness)
    }

    /// The JSON body as a document; throws like `decode`.
    package func decodeValue() throws(Problem) -> JSONValue {
        try requireJSON()
        return try JSONCoding.parse(body)
    }

    private func requireJSON() throws(Problem) {
        guard let type = headers["Content-Type"], MediaType.isJSON(type) else {
            throw .unsupportedMediaType(accepted: [MediaType.json])
        }
        guard !body.isEmpty else {
            throw .badRequest("body_required", "Send a JSON document as the body.")
        }
    }
}

/// Ids, deadline and logger of one request.
package final class RequestContext: Sendable {
    /// The caller's `X-Request-Id` when it is sane, else a new one.
    package let requestID: String
    /// The span of this request, a child of the caller's.
    package let trace: TraceContext
    /// When the handler is cancelled and 503 `deadline_exceeded` is answered.
    package let deadline: ContinuousClock.Instant
    /// When the headers were complete, by the system clock.
    package let receivedAt: Timestamp
    private let baseLogger: Logger

    /// A context; `logger` gets the request's id on every line.
    package init(
        requestID: String, trace: TraceContext, deadline: ContinuousClock.Instant,
        receivedAt: Timestamp, logger: Logger
    ) {
        self.requestID = requestID
        self.trace = trace
        self.deadline = deadline
        self.receivedAt = receivedAt
        baseLogger = logger
    }

    /// Writes lines that carry the ids of the request and its trace.
    package var logger: Logger {
        baseLogger.with([("request_id", .text(requestID)), ("trace_id", .text(trace.traceID))])
    }

    /// How long the handler may still take; zero when the deadline has passed.
    package var remainingTime: Duration {
        max(.zero, ContinuousClock.now.duration(to: deadline))
    }
}
