import Kernel
import Synchronization
import Testing

@testable import HTTPKit

@Suite(.timeLimit(.minutes(1))) struct TargetPolicyTests {
    private let client = HTTPClient(HTTPClientConfiguration(), world: World())

    private func failure(_ request: ClientRequest) async -> HTTPClientError.Code? {
        do throws(HTTPClientError) {
            _ = try await client.send(request)
            return nil
        } catch { return error.code }
    }

    @Test(arguments: [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "017700000001", "0.0.0.0",
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1.", "LOCALHOST",
    ]) func `no spelling of this machine can be reached by a request that goes to the public only`(
        host: String
    ) async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.answer(200)
        }
        defer { server.stop() }
        let request = ClientRequest(
            method: .post, url: "http://\(host):\(server.port)/", body: [1],
            targets: .publicOnly)
        let code = await failure(request)
        // Some spellings are no host at all to the resolver; none connects.
        #expect(code == .targetRefused || code == .connectionFailed || code == .invalidRequest)
        if ["127.0.0.1", "localhost", "[::1]", "2130706433"].contains(host) {
            #expect(code == .targetRefused)
        }
        #expect(server.connections == 0)
    }

    @Test func `a connection that another request has kept is no way around it`() async throws {
        let server = try ScriptedServer { connection in
            while connection.read() != nil { connection.answer(200) }
        }
        defer { server.stop() }
        _ = try await client.send(ClientRequest(url: server.url))
        #expect(
            await failure(ClientRequest(url: server.url, targets: .publicOnly)) == .targetRefused)
        #expect(server.requests.count == 1)
    }

    @Test func `what the policy allows is reached, and is asked with the real address`()
        async throws
    {
        let server = try ScriptedServer { connection in
            while connection.read() != nil { connection.answer(200, body: "here") }
        }
        defer { server.stop() }
        let asked = Asked()
        let policy = TargetPolicy { address in
            asked.addresses.withLock { $0.append(address) }
            return address.bytes == [127, 0, 0, 1]
        }
        for _ in 0..<2 {
            let response = try await client.send(
                ClientRequest(url: "http://localhost:\(server.port)/", targets: policy))
            #expect(response.body == Array("here".utf8))
        }
        // Each request is looked at: no connection is kept.
        #expect(server.connections == 2)
        let addresses = asked.addresses.withLock { $0 }
        #expect(addresses.contains(SocketAddress(bytes: [127, 0, 0, 1])))
    }

    private final class Asked: Sendable {
        let addresses = Mutex<[SocketAddress]>([])
    }

    @Test func `a redirect is handed back, not followed`() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.answer(302, ["Location: http://169.254.169.254/latest/meta-data"])
        }
        defer { server.stop() }
        let policy = TargetPolicy { $0.bytes == [127, 0, 0, 1] }
        let response = try await client.send(ClientRequest(url: server.url, targets: policy))
        #expect(response.status == 302)
        #expect(server.connections == 1)
    }

    @Test func `a response that is too long is cut where that was asked for`() async throws {
        let server = try ScriptedServer { connection in
            while connection.read() != nil {
                connection.answer(200, body: String(repeating: "x", count: 200_000))
            }
        }
        defer { server.stop() }
        let response = try await client.send(
            ClientRequest(url: server.url, responseLimitBytes: 1000, cutsResponse: true))
        #expect(response.status == 200)
        #expect(response.body.count <= 1000)
        let whole = ClientRequest(url: server.url, responseLimitBytes: 1000)
        #expect(await failure(whole) == .responseTooLarge)
    }
}
