import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import Synchronization
import TestKit

/// A client's server that takes webhooks and believes only what is signed.
final class WebhookReceiver: Sendable {
    private struct State: Sendable {
        var bodies: [String: [UInt8]] = [:]
        var forged = 0
    }

    private let state = Mutex(State())
    private let secret = Mutex<[UInt8]>([])
    private let server = Mutex<HTTPServer?>(nil)

    /// Listens, and lets the tenant be told of events of these types.
    static func start(for tenant: Tenant, types: [String], key: String) async throws
        -> WebhookReceiver
    {
        let receiver = WebhookReceiver()
        let port = try receiver.listen()
        for attempt in 1...5 {
            let answer = try await tenant.server.persist(
                .post, "/v1/portal/webhooks",
                [
                    "url": .string("http://127.0.0.1:\(port)/hooks/in"),
                    "types": .array(types.map { .string($0) }),
                ], key: "\(key)-\(attempt)"
            ).expecting(201)
            // It is told once. When that answer was lost, a careful operator makes another.
            guard let text = answer["secret"]?.string,
                let bytes = Data(base64Encoded: String(text.dropFirst("whsec_".count)))
            else { continue }
            receiver.secret.withLock { $0 = Array(bytes) }
            return receiver
        }
        throw ProcessError("Five webhooks were made and no secret was told.")
    }

    /// Bodies that arrived with a right signature, by the message's id: a repeat is the same.
    var bodies: [String: [UInt8]] { state.withLock { $0.bodies } }
    var forgedCount: Int { state.withLock { $0.forged } }

    func stop() async {
        let server = server.withLock { $0 }
        await server?.drain(within: .seconds(1))
    }

    private func listen() throws -> UInt16 {
        var router = Router()
        router.group(Audience<Void>.open(prefix: "/hooks")) { group in
            group.post("/in") { request, _ in
                self.take(request)
                return .noContent
            }
        }
        var configuration = HTTPServerConfiguration()
        configuration.logsAccess = false
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        let port = try server.start()
        self.server.withLock { $0 = server }
        return port
    }

    private func take(_ request: HTTPRequest) {
        let id = request.headers["webhook-id"] ?? ""
        let timestamp = request.headers["webhook-timestamp"] ?? ""
        let signed = Array("\(id).\(timestamp).".utf8) + request.body
        let mac = Digest.hmacSHA256(key: secret.withLock { $0 }, message: signed)
        let wanted = "v1,\(Data(mac).base64EncodedString())"
        let given = (request.headers["webhook-signature"] ?? "").split(separator: " ")
        state.withLock { state in
            if given.contains(Substring(wanted)) {
                state.bodies[id] = request.body
            } else {
                state.forged += 1
            }
        }
    }
}
