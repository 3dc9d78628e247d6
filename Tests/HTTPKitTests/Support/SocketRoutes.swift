import HTTPKit
import Kernel
import Synchronization

/// WebSocket routes that tests call, and what became of their handlers.
final class SocketRoutes: Sendable {
    let closures = Mutex<[WebSocketClosure]>([])
    let cancelled = Atomic(0)
    let sent = Atomic(0)
    private let options: WebSocketOptions

    init(_ change: (inout WebSocketOptions) -> Void = { _ in }) {
        var options = WebSocketOptions()
        options.chooseProtocol = { offered in offered.first { $0 == "grapevine.test" } }
        change(&options)
        self.options = options
    }

    func routes(_ router: inout Router) {
        router.group(.open()) { group in
            group.webSocket("/echo", options: options) { [self] _, _, socket in
                for await message in socket.messages { try await socket.send(message) }
                if let closure = socket.closure { closures.withLock { $0.append(closure) } }
            }
            group.webSocket("/once", options: options) { request, _, socket in
                try await socket.send(text: request.query["say"] ?? "hello")
            }
            group.webSocket("/broken", options: options) { _, _, _ in
                throw Problem.internalError
            }
            group.webSocket("/flood", options: options) { [self] _, _, socket in
                do {
                    while true {
                        try await socket.send(.binary([UInt8](repeating: 7, count: 4096)))
                        sent.add(4096, ordering: .relaxed)
                    }
                } catch let closure as WebSocketClosure {
                    closures.withLock { $0.append(closure) }
                }
            }
            group.webSocket("/deaf", options: options) { [self] _, _, _ in
                do { try await Task.sleep(for: .seconds(60)) } catch {
                    cancelled.add(1, ordering: .relaxed)
                    throw error
                }
            }
        }
        let guarded = Audience<Void>(name: "guarded", prefix: "/guarded") { request in
            guard request.headers["Authorization"] == "Bearer good" else {
                throw Problem.unauthorized("invalid_token", "This token is not valid.")
            }
        }
        router.group(guarded) { group in
            group.webSocket("/echo", options: options) { _, _, socket in
                for await message in socket.messages { try await socket.send(message) }
            }
        }
    }
}
