import HTTPKit
import TestKit
import Testing

@Suite struct WebSocketPeerTests {
    @Test(.enabled(if: Peers.areInstalled, "Tests/Peers/run --venv installs the client"))
    func `the websockets client of PyPI gets along with us`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let report = try await Peers.run(
                "websocket_check.py", ["ws://127.0.0.1:\(port)/echo"])
            #expect(report.contains("ok many"))
        }
    }
}
