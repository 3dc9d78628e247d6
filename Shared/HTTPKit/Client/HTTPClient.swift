package import Kernel

/// Sends HTTP requests over kept connections; one thread of libcurl's does the waiting.
///
/// Every call has a deadline and a response limit. Redirects are not followed. Repeats happen only
/// where the request's `RetryPolicy` says that they are harmless. A host and port that fails again
/// and again is left alone for a while. Outgoing requests carry `traceparent` of the current trace
/// and `X-Request-Id` of the current `RequestScope`.
package final class HTTPClient: Sendable {
    private let configuration: HTTPClientConfiguration
    private let driver: CurlDriver
    private let breakers: CircuitBreakerRegistry
    private let metrics: HTTPClientMetrics
    private let logger: Logger
    private let tracer: Tracer

    /// Starts the thread. Ends with `shutdown()`, or by itself when the last reference goes.
    package init(_ configuration: HTTPClientConfiguration, world: World) {
        self.configuration = configuration
        driver = CurlDriver(
            CurlDriver.Limits(
                connectionsPerHost: configuration.connectionsPerHost,
                connectionsInTotal: configuration.connectionsInTotal,
                underWay: configuration.requestsUnderWay))
        breakers = CircuitBreakerRegistry(configuration.circuitBreaker)
        metrics = HTTPClientMetrics(world.telemetry.metrics)
        logger = world.telemetry.logger
        tracer = world.telemetry.tracer
        driver.start()
    }

    deinit {
        driver.stop()
    }

    /// Sends a request and returns the whole response, whatever its status.
    ///
    /// Takes at most `request.deadline` with all attempts. A status that asks for another attempt
    /// (429, 502, 503, 504) is retried where allowed and else returned. Cancelling the task ends
    /// the transfer.
    package func send(_ request: ClientRequest) async throws(HTTPClientError) -> ClientResponse {
        let target = try RequestTarget(request.url)
        guard let span = tracer.begin("\(request.method.rawValue) \(request.peer)", .client) else {
            return try await send(request, target, trace: TraceContext.current?.child())
        }
        do throws(HTTPClientError) {
            let response = try await send(request, target, trace: span.context)
            let status = response.status
            span.end(
                Self.attributes(request, target)
                    + [("http.response.status_code", .integer(status))],
                failure: status >= 400 ? String(status) : nil)
            return response
        } catch {
            span.end(Self.attributes(request, target), failure: error.code.description)
            throw error
        }
    }

    /// Who was called, without what is in the path and query.
    private static func attributes(
        _ request: ClientRequest, _ target: RequestTarget
    ) -> [(String, Span.Value)] {
        [
            ("http.request.method", .text(request.method.rawValue)),
            ("server.address", .text(target.authority)), ("peer.service", .text(request.peer)),
        ]
    }

    private func send(
        _ request: ClientRequest, _ target: RequestTarget, trace: TraceContext?
    ) async throws(HTTPClientError) -> ClientResponse {
        let deadline = ContinuousClock.now + request.deadline
        var attempt = 1
        while true {
            let result = await self.attempt(request, target, trace, until: deadline)
            guard let pause = pause(after: result, attempt: attempt, request, until: deadline)
            else { return try result.get() }
            do {
                try await Task.sleep(for: pause)
            } catch { throw HTTPClientError(.cancelled) }
            attempt += 1
        }
    }

    /// Ends what is under way with `.shutDown` and returns when the thread has ended.
    package func shutdown() async {
        driver.stop()
        await driver.waitForEnd()
    }

    /// How long to pause before the next attempt; nil when `result` is final.
    private func pause(
        after result: Result<ClientResponse, HTTPClientError>, attempt: Int,
        _ request: ClientRequest, until deadline: ContinuousClock.Instant
    ) -> Duration? {
        let policy = request.retry
        guard policy.allowsRepeat(of: request.method) else { return nil }
        var retryAfter: Duration?
        switch result {
        case .success(let response):
            retryAfter = response.retryAfter
            guard policy.isTransient(status: response.status, retryAfter: retryAfter)
            else { return nil }
        case .failure(let error):
            guard error.code == .connectionFailed || error.code == .connectionLost
            else { return nil }
        }
        return policy.pause(
            afterAttempt: attempt, retryAfter: retryAfter, remaining: deadline - .now,
            share: Double.random(in: 0...1))
    }
}

// MARK: - One attempt

extension HTTPClient {
    private func attempt(
        _ request: ClientRequest, _ target: RequestTarget, _ trace: TraceContext?,
        until deadline: ContinuousClock.Instant
    ) async -> Result<ClientResponse, HTTPClientError> {
        let start = ContinuousClock.now
        guard start < deadline else { return .failure(HTTPClientError(.timeout)) }
        let pass: CircuitBreaker.Pass
        switch breakers.admit(target.authority) {
        case .admitted(let admitted): pass = admitted
        case .refused(let retryAfter):
            let error = HTTPClientError(.circuitOpen, retryAfter: retryAfter)
            metrics.count(peer: request.peer, result: error.code.description, took: nil)
            return .failure(error)
        }
        let result = await transfer(request, target, trace, within: deadline - start)
        let took = ContinuousClock.now - start
        record(Self.outcome(result, patience: deadline - start), pass, target, request.peer)
        metrics.count(peer: request.peer, result: Self.label(result), took: took)
        return result
    }

    private func transfer(
        _ request: ClientRequest, _ target: RequestTarget, _ trace: TraceContext?,
        within limit: Duration
    ) async -> Result<ClientResponse, HTTPClientError> {
        let transfer: CurlTransfer
        do throws(HTTPClientError) {
            transfer = try CurlTransfer.http(
                request, to: target, extra: Self.inherited(request.headers, trace), within: limit,
                configuration)
        } catch { return .failure(error) }
        switch await driver.run(transfer) {
        case .finished(let code):
            return transfer.result(code, of: request)
        case .cancelled: return .failure(HTTPClientError(.cancelled))
        case .overloaded: return .failure(HTTPClientError(.overloaded))
        case .shutDown: return .failure(HTTPClientError(.shutDown))
        }
    }

    /// What the request takes over from the work that caused it, unless it says something itself.
    private static func inherited(
        _ own: HTTPHeaders, _ trace: TraceContext?
    ) -> [HTTPHeaders.Field] {
        var fields: [HTTPHeaders.Field] = []
        if let trace, !own.contains("traceparent") {
            fields.append(.init(name: "traceparent", value: trace.traceparent))
        }
        if let scope = RequestScope.current, !own.contains("X-Request-Id") {
            fields.append(.init(name: "X-Request-Id", value: scope.requestID))
        }
        return fields
    }

    private func record(
        _ outcome: CircuitBreaker.Outcome, _ pass: CircuitBreaker.Pass, _ target: RequestTarget,
        _ peer: String
    ) {
        switch breakers.record(outcome, pass, target.authority) {
        case (.closed, .open):
            logger.warning("http circuit opened", [("peer", .text(peer))])
        case (.halfOpen, .closed):
            logger.notice("http circuit closed", [("peer", .text(peer))])
        default: break
        }
    }

    /// What a result says about the peer. A time-out counts only if the peer had a fair chance.
    private static func outcome(
        _ result: Result<ClientResponse, HTTPClientError>, patience: Duration
    ) -> CircuitBreaker.Outcome {
        switch result {
        case .success(let response):
            return response.status == 502 || response.status == 504 ? .failure : .success
        case .failure(let error):
            switch error.code {
            case .connectionFailed, .connectionLost, .malformedResponse: return .failure
            case .timeout: return patience >= .milliseconds(250) ? .failure : .unknown
            case .responseTooLarge: return .success
            default: return .unknown
            }
        }
    }

    private static func label(_ result: Result<ClientResponse, HTTPClientError>) -> String {
        switch result {
        case .success(let response): "\(response.status / 100)xx"
        case .failure(let error): error.code.description
        }
    }
}
