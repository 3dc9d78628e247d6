import Kernel

/// Calls another service of ours by its endpoints.
package struct PeerClient: Sendable {
    /// Names the peer in metrics and logs.
    package let name: String
    private let baseURL: String
    private let client: HTTPClient
    private let authorization: @Sendable () -> String

    /// `baseURL` is scheme, host and port (`http://127.0.0.1:8105`). `authorization` gives the
    /// whole value of the header (`Bearer …`) and is asked before each call, so that it can renew a
    /// token.
    package init(
        name: String, baseURL: String, client: HTTPClient,
        authorization: @escaping @Sendable () -> String
    ) {
        self.name = name
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.client = client
        self.authorization = authorization
    }

    /// Makes a call and reads its output; unknown fields in it are ignored.
    ///
    /// Repeats after failures that may pass, with the same idempotency key. A `.keyed` endpoint
    /// without a key is refused with `.invalidRequest` before anything is sent.
    package func call<Input, Output>(
        _ endpoint: Endpoint<Input, Output>, _ input: Input, _ options: CallOptions = CallOptions()
    ) async throws(PeerError) -> Output {
        if endpoint.safety == .keyed, options.idempotencyKey == nil {
            throw .invalidRequest("\(endpoint.path) needs an idempotency key")
        }
        let body: [UInt8]
        do {
            body = try JSONCoding.encode(input)
        } catch { throw .invalidRequest("the input cannot be written as JSON") }
        var request = request(.post, endpoint.path, options)
        request.headers.add("Content-Type", MediaType.json)
        request.body = body
        request.retry = .keyed(attempts: options.attempts)
        let response = try await send(request)
        guard response.status == 200 else { throw Self.failure(response) }
        do throws(Problem) {
            return try JSONCoding.decode(Output.self, from: response.body, strictness: .lenient)
        } catch { throw .malformedResponse(error.errors.first?.pointer ?? error.code) }
    }

    /// Reads a path of the peer, query included. Any status from 200 to 299 returns.
    package func get(
        _ path: String, _ options: CallOptions = CallOptions()
    ) async throws(PeerError) -> ClientResponse {
        var request = request(.get, path, options)
        request.retry = .safeMethods(attempts: options.attempts)
        let response = try await send(request)
        guard (200...299).contains(response.status) else { throw Self.failure(response) }
        return response
    }

    private func request(
        _ method: HTTPMethod, _ path: String, _ options: CallOptions
    ) -> ClientRequest {
        var headers: HTTPHeaders = [
            "Authorization": authorization(), "Accept": MediaType.json,
        ]
        if let key = options.idempotencyKey { headers.add("Idempotency-Key", key) }
        if let position = options.position { headers.add("Grapevine-Position", position) }
        return ClientRequest(
            method: method, url: baseURL + path, headers: headers, deadline: options.deadline,
            responseLimitBytes: options.responseLimitBytes, peer: name)
    }

    private func send(_ request: ClientRequest) async throws(PeerError) -> ClientResponse {
        do throws(HTTPClientError) {
            return try await client.send(request)
        } catch { throw PeerError(error) }
    }

    /// A refusal in the form that we agreed on, or what a proxy in between may have said.
    private static func failure(_ response: ClientResponse) -> PeerError {
        let type = response.headers["Content-Type"] ?? ""
        if response.status >= 400, type.lowercased().hasPrefix("application/problem+json"),
            let document = try? JSONCoding.decode(
                ProblemDocument.self, from: response.body, strictness: .lenient)
        {
            return .problem(document, retryAfter: response.retryAfter)
        }
        return response.status >= 500 || response.status == 429
            ? .unavailable("status \(response.status)")
            : .malformedResponse("status \(response.status)")
    }
}
