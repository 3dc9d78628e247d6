package import Kernel

/// What a handler answers.
package struct HTTPResponse: Sendable {
    /// 200 to 599.
    package var status: Int
    /// Fields to send; the server adds `Content-Length`, `Date` and `X-Request-Id` itself.
    package var headers: HTTPHeaders
    /// The content.
    package var body: HTTPBody
    /// Why a body could not be made; the server logs it.
    var fault: String?

    /// A response as given.
    package init(
        status: Int = 200, headers: HTTPHeaders = HTTPHeaders(), body: HTTPBody = .empty
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A value as JSON. A value that cannot be encoded becomes 500 `internal_error` and a log line.
    package static func json(
        _ value: some Encodable, status: Int = 200, headers: HTTPHeaders = HTTPHeaders()
    ) -> HTTPResponse {
        do {
            let bytes = try JSONCoding.encode(value)
            return .bytes(bytes, contentType: MediaType.json, status: status, headers: headers)
        } catch {
            var response = HTTPResponse.problem(.internalError)
            response.fault = String(reflecting: error)
            return response
        }
    }

    /// Bytes of a given type.
    package static func bytes(
        _ bytes: [UInt8], contentType: String, status: Int = 200,
        headers: HTTPHeaders = HTTPHeaders()
    ) -> HTTPResponse {
        var headers = headers
        if !headers.contains("Content-Type") { headers.add("Content-Type", contentType) }
        return HTTPResponse(status: status, headers: headers, body: .bytes(bytes))
    }

    /// Text in UTF-8.
    package static func text(
        _ text: String, contentType: String = "text/plain; charset=utf-8", status: Int = 200
    ) -> HTTPResponse {
        .bytes(Array(text.utf8), contentType: contentType, status: status)
    }

    /// A stream that is produced as fast as the client reads.
    package static func stream(
        contentType: String, status: Int = 200, headers: HTTPHeaders = HTTPHeaders(),
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) -> HTTPResponse {
        var headers = headers
        if !headers.contains("Content-Type") { headers.add("Content-Type", contentType) }
        return HTTPResponse(
            status: status, headers: headers, body: .stream(HTTPBodyStream(produce)))
    }

    /// 204 without content.
    package static let noContent = HTTPResponse(status: 204)

    /// A problem document; `Retry-After` is set when the problem says when to try again.
    package static func problem(_ problem: Problem, requestID: String? = nil) -> HTTPResponse {
        var headers: HTTPHeaders = ["Content-Type": MediaType.problem]
        if let retryAfter = problem.retryAfter {
            let seconds = (retryAfter.wholeMicroseconds + 999_999) / 1_000_000
            headers.add("Retry-After", String(max(1, seconds)))
        }
        let document = ProblemDocument(problem, requestID: requestID)
        let bytes = (try? JSONCoding.encode(document)) ?? Array("{}".utf8)
        return HTTPResponse(status: problem.status, headers: headers, body: .bytes(bytes))
    }
}

/// The content of a response.
package enum HTTPBody: Sendable {
    /// Nothing.
    case empty
    /// Everything at once; compressed when that pays and the client accepts it.
    case bytes([UInt8])
    /// Bit by bit, as fast as the client reads.
    case stream(HTTPBodyStream)
    /// The connection becomes a WebSocket; made by `HTTPResponse.webSocket`.
    case webSocket(WebSocketUpgrade)
}

/// The producer of a streamed body.
///
/// It starts when the client is ready for the first byte, is cancelled when the client leaves or
/// the server stops, and ends the body by returning. Throwing cuts the connection, so that the
/// client sees that the body is not whole. Producers that wait long send heartbeats: a client that
/// left shows only at the next write.
package struct HTTPBodyStream: Sendable {
    let produce: @Sendable (HTTPBodyWriter) async throws -> Void

    /// A stream of what `produce` writes.
    package init(_ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void) {
        self.produce = produce
    }
}

/// Where a producer writes.
package struct HTTPBodyWriter: Sendable {
    private let send: @Sendable ([UInt8]) async throws -> Void

    /// A writer that hands on to `send`; the server makes its own, tests may make others.
    package init(send: @escaping @Sendable ([UInt8]) async throws -> Void) {
        self.send = send
    }

    /// Hands over bytes; waits while 64 KiB are not read yet. Throws `CancellationError` when the
    /// client has left, the server stops, or the task is cancelled.
    package func write(_ bytes: [UInt8]) async throws {
        try await send(bytes)
    }

    /// Hands over text in UTF-8.
    package func write(_ text: String) async throws {
        try await send(Array(text.utf8))
    }
}
