import Kernel
import SecurityKit

extension HTTPRequest {
    /// Whether the client asks for a WebSocket. Says nothing about the rest of the handshake.
    package var wantsWebSocket: Bool { headers.hasToken("websocket", in: "Upgrade") }

    /// The subprotocols that the client offers, in its order.
    package var offeredWebSocketProtocols: [String] {
        headers.tokens("Sec-WebSocket-Protocol")
    }
}

/// The opening handshake of RFC 6455 §4.2.
enum WebSocketHandshake {
    private static let version = "13"
    /// RFC 6455 §1.3.
    private static let identifier = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// What `Sec-WebSocket-Accept` must say, or the answer that refuses.
    enum Outcome {
        case accept(String)
        case refuse(HTTPResponse)
    }

    static func check(_ request: HTTPRequest) -> Outcome {
        guard request.method == .get, request.wantsWebSocket,
            request.headers.hasToken("upgrade", in: "Connection")
        else {
            return .refuse(
                refusal(
                    of: request,
                    as: Problem(
                        status: 426, code: "websocket_required",
                        detail: "Open a WebSocket here: send a GET with 'Upgrade: websocket'.")))
        }
        guard request.headers.values("Sec-WebSocket-Version") == [version] else {
            return .refuse(
                refusal(
                    of: request,
                    as: Problem(
                        status: 426, code: "websocket_version_not_supported",
                        detail: "Use version \(version) of the WebSocket protocol.")))
        }
        let keys = request.headers.values("Sec-WebSocket-Key")
        guard keys.count == 1, let key = keys.first, Base64.decode(key)?.count == 16,
            request.body.isEmpty
        else {
            return .refuse(
                refusal(
                    of: request,
                    as: .badRequest(
                        "malformed_handshake",
                        "Send one Sec-WebSocket-Key of 16 bytes in base64, and no body.")))
        }
        return .accept(Base64.encode(Digest.sha1(Array((key + identifier).utf8))))
    }

    /// The answer for a client that cannot have a WebSocket in this way.
    static func refusal(
        of request: HTTPRequest, as problem: Problem
    ) -> HTTPResponse {
        var response = HTTPResponse.problem(problem, requestID: request.context.requestID)
        if problem.status == 426 {
            response.headers.add("Upgrade", "websocket")
            response.headers.add("Sec-WebSocket-Version", version)
        }
        return response
    }
}

extension HTTPHeaders {
    /// The members of a list that may be spread over several fields (RFC 9110 §5.6.1).
    fileprivate func tokens(_ name: String) -> [String] {
        values(name).flatMap { value in
            value.split(separator: ",").map { part in
                let start = part.drop { $0 == " " || $0 == "\t" }
                let end = start.lastIndex { $0 != " " && $0 != "\t" }
                return end.map { String(start[...$0]) } ?? ""
            }
        }.filter { !$0.isEmpty }
    }

    fileprivate func hasToken(_ token: String, in name: String) -> Bool {
        tokens(name).contains { Self.isSameName($0, token) }
    }
}
