import HTTPKit
import Kernel
import Synchronization
import TestKit

/// Log lines and metrics of one server under test.
final class ServerProbe: Sendable {
    private let written = Mutex<[String]>([])
    let metrics = Metrics()

    var lines: [String] { written.withLock { $0 } }

    var world: World {
        let logger = Logger(minimum: .debug) { line in
            self.written.withLock { $0.append(line) }
        }
        return World(telemetry: Telemetry(logger: logger, metrics: metrics))
    }
}

/// Runs a server with some routes for as long as `body` runs.
func withServer(
    probe: ServerProbe = ServerProbe(),
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    routes: (inout Router) -> Void, _ body: (UInt16) async throws -> Void
) async throws {
    var router = Router()
    routes(&router)
    var configuration = HTTPServerConfiguration()
    configure(&configuration)
    let server = HTTPServer(router: router, configuration: configuration, world: probe.world)
    let port = try server.start()
    let result: Result<Void, any Error>
    do {
        try await body(port)
        result = .success(())
    } catch {
        result = .failure(error)
    }
    await server.drain(within: .seconds(2))
    try result.get()
}

/// One request on a connection of its own.
func request(
    _ port: UInt16, _ method: String, _ path: String, headers: [String] = [], body: String? = nil
) async throws -> RawResponse {
    try await onThread {
        let connection = try RawConnection(port: port)
        try connection.send(message(method, path, headers: headers, body: body))
        return try connection.readResponse(toHead: method == "HEAD")
    }
}

/// The text of a request; a body is sent as JSON unless the headers say otherwise.
func message(
    _ method: String, _ path: String, headers: [String] = [], body: String? = nil
) -> String {
    var lines = ["\(method) \(path) HTTP/1.1", "Host: test"] + headers
    if let body {
        lines.append("Content-Length: \(body.utf8.count)")
        if !headers.contains(where: { $0.lowercased().hasPrefix("content-type") }) {
            lines.append("Content-Type: application/json")
        }
    }
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
}

/// Waits until something is true; records nothing, the caller expects it afterwards.
func eventually(within limit: Duration = .seconds(10), _ isTrue: () -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if isTrue() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return isTrue()
}

struct Greeting: Codable, Sendable, Equatable {
    var name: String
    var count: Int?
}

/// The routes that most tests call.
func standardRoutes(_ router: inout Router) {
    router.group(.open()) { group in
        group.get("/hello") { _, _ in .json(Greeting(name: "world")) }
        group.get("/later") { _, _ in
            await Task.yield()
            try await Task.sleep(for: .milliseconds(5))
            return .json(Greeting(name: "later"))
        }
        group.post("/echo") { request, _ in .json(try request.decode(Greeting.self)) }
        group.post("/size", limits: RouteLimits(contentTypes: [])) { request, _ in
            .text("\(request.body.count)")
        }
        group.post("/pause", limits: .noBody) { _, _ in .noContent }
        group.get("/items/{item_id}/parts/{part}") { request, _ in
            .text(
                "\(try request.pathParameters.string("item_id"))"
                    + "|\(try request.pathParameters.string("part"))|\(request.query["q"] ?? "-")")
        }
    }
}
