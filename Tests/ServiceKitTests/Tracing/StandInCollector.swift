import HTTPKit
import Kernel
import Synchronization

/// Takes spans without reading them, and answers as it is told.
final class StandInCollector: Sendable {
    private final class Script: Sendable {
        private let state: Mutex<(sizes: [Int], statuses: [Int])>

        init(_ statuses: [Int]) { state = Mutex(([], statuses)) }

        /// How many bytes each request had.
        var sizes: [Int] { state.withLock { $0.sizes } }

        func take(_ size: Int) -> HTTPResponse {
            state.withLock { state in
                state.sizes.append(size)
                return HTTPResponse(
                    status: state.statuses.isEmpty ? 200 : state.statuses.removeFirst())
            }
        }
    }

    private let server: HTTPServer
    private let script: Script
    let port: UInt16

    /// Answers with these one after the other, then 200; a hanging one answers nobody.
    init(port: UInt16 = 0, _ statuses: [Int] = [], hangs: Bool = false) throws {
        let script = Script(statuses)
        var router = Router()
        router.group(Audience<Void>.open()) { group in
            group.post("/v1/traces", limits: RouteLimits(contentTypes: [])) { request, _ in
                let response = script.take(request.body.count)
                if hangs { try await Task.sleep(for: .seconds(60)) }
                return response
            }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = port
        self.script = script
        server = HTTPServer(router: router, configuration: configuration, world: World())
        self.port = try server.start()
    }

    var requests: Int { script.sizes.count }

    func stop() async { await server.drain(within: .milliseconds(100)) }
}
