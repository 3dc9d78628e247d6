import FoundationEssentials
import HTTPKit
import Kernel
import Synchronization

/// A client's endpoint: answers as it is told and remembers what it got.
final class WebhookReceiver: Sendable {
    struct Delivery: Sendable {
        let headers: HTTPHeaders
        let body: [UInt8]

        var id: String? { headers["webhook-id"] }
        var json: JSONValue { (try? JSONCoding.parse(body)) ?? .null }
    }

    private final class Script: Sendable {
        private let state: Mutex<(deliveries: [Delivery], answers: [HTTPResponse])>

        init(_ answers: [HTTPResponse]) { state = Mutex(([], answers)) }

        var deliveries: [Delivery] { state.withLock { $0.deliveries } }

        func take(_ delivery: Delivery) -> HTTPResponse {
            state.withLock { state in
                state.deliveries.append(delivery)
                return state.answers.isEmpty ? .noContent : state.answers.removeFirst()
            }
        }
    }

    let port: UInt16
    private let server: HTTPServer
    private let script: Script

    /// Answers with these one after the other, then 204.
    init(_ answers: [HTTPResponse] = []) throws {
        let script = Script(answers)
        var router = Router()
        router.group(Audience<Void>.open()) { group in
            group.post("/hook", limits: RouteLimits(contentTypes: [])) { request, _ in
                script.take(Delivery(headers: request.headers, body: request.body))
            }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        self.script = script
        server = HTTPServer(router: router, configuration: configuration, world: World())
        port = try server.start()
    }

    var url: String { "http://127.0.0.1:\(port)/hook" }
    var deliveries: [Delivery] { script.deliveries }

    func stop() async { await server.drain(within: .seconds(1)) }
}
