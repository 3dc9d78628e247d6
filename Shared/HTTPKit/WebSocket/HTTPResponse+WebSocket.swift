import Kernel
import Synchronization

extension HTTPResponse {
    /// Opens a WebSocket and runs `handler` on it, or refuses with 400 or 426 when the request is
    /// not a proper handshake.
    ///
    /// The socket is closed with 1000 when the handler returns, with 1001 when it is cancelled and
    /// with 1011 when it throws anything else. It is cancelled when the socket is gone. `Origin` is
    /// the caller's business.
    package static func webSocket(
        to request: HTTPRequest, options: WebSocketOptions = WebSocketOptions(),
        handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) -> HTTPResponse {
        switch WebSocketHandshake.check(request) {
        case .refuse(let response): return response
        case .accept(let key):
            var headers: HTTPHeaders = ["Upgrade": "websocket", "Sec-WebSocket-Accept": key]
            let offered = request.offeredWebSocketProtocols
            let chosen = options.chooseProtocol(offered)
            if let chosen { headers.add("Sec-WebSocket-Protocol", chosen) }
            let upgrade = WebSocketUpgrade(
                subprotocol: chosen, options: options, trace: request.context.trace,
                scope: RequestScope(requestID: request.context.requestID), handler: handler)
            return HTTPResponse(status: 101, headers: headers, body: .webSocket(upgrade))
        }
    }
}

extension RouteGroup {
    /// Mounts a WebSocket; its handler gets the socket after the credential and the handshake were
    /// checked. Refusals are problem documents, before anything is upgraded.
    package mutating func webSocket(
        _ template: String, options: WebSocketOptions = WebSocketOptions(),
        handler:
            @escaping @Sendable (HTTPRequest, Principal, WebSocket) async throws ->
            Void
    ) {
        get(template) { request, principal in
            .webSocket(to: request, options: options) { socket in
                try await handler(request, principal, socket)
            }
        }
    }
}

/// What becomes of a connection after 101.
package final class WebSocketUpgrade: Sendable {
    let subprotocol: String?
    let options: WebSocketOptions
    /// Reserved when the answer is decided on.
    let place = Mutex<WebSocketPlace?>(nil)
    private let trace: TraceContext
    private let scope: RequestScope
    private let handler: @Sendable (WebSocket) async throws -> Void

    init(
        subprotocol: String?, options: WebSocketOptions, trace: TraceContext, scope: RequestScope,
        handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) {
        self.subprotocol = subprotocol
        self.options = options
        self.trace = trace
        self.scope = scope
        self.handler = handler
    }

    /// Runs the handler and closes the socket as its outcome says. Returns what it threw, if that
    /// is worth a line in the log.
    func run(_ socket: WebSocket) async -> (any Error)? {
        do {
            try await TraceContext.$current.withValue(trace) {
                try await RequestScope.$current.withValue(scope) { try await handler(socket) }
            }
            socket.close(.normal)
        } catch is CancellationError {
            socket.close(.goingAway)
        } catch is WebSocketClosure {
            // It was closed already, or is closing.
            socket.close(.normal)
        } catch {
            socket.close(.internalError)
            return error
        }
        return nil
    }
}
