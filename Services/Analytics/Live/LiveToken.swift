import HTTPKit
import ServiceKit

/// Lets browsers name their token where a page can: its WebSocket cannot send `Authorization`.
///
/// Among the subprotocols of a handshake, `grapevine.bearer.<token>` is taken for the header when
/// there is none. Only for WebSockets, and only on the routes of the audience made here.
struct LiveToken: Middleware {
    private static let prefix = "grapevine.bearer."
    /// What a page offers beside its token, and gets.
    private static let subprotocol = "grapevine.live"

    static func audience(
        _ portal: Audience<PortalPrincipal>
    ) -> Audience<PortalPrincipal> {
        Audience(
            name: portal.name, prefix: portal.prefix, strictness: portal.strictness,
            bodyLimitBytes: portal.bodyLimitBytes, middleware: portal.middleware + [LiveToken()],
            crossOrigin: portal.crossOrigin, authenticate: portal.authenticate)
    }

    func respond(
        to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        guard request.wantsWebSocket, !request.headers.contains("Authorization") else {
            return try await next(request)
        }
        let tokens = request.offeredWebSocketProtocols.filter { $0.hasPrefix(Self.prefix) }
        guard tokens.count == 1, let token = tokens.first?.dropFirst(Self.prefix.count) else {
            return try await next(request)
        }
        var request = request
        request.headers.add("Authorization", "Bearer \(token)")
        return try await next(request)
    }

    /// The subprotocol to answer with; the token itself only where nothing else was offered, since
    /// browsers give up unless one of theirs comes back.
    static func choose(_ offered: [String]) -> String? {
        if offered.contains(subprotocol) { return subprotocol }
        return offered.first { $0.hasPrefix(prefix) }
    }
}
