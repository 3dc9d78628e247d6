import HTTPKit
import Kernel
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ClientFailureTests {
    private let client = HTTPClient(HTTPClientConfiguration(), world: World())

    private func failure(_ request: ClientRequest) async -> HTTPClientError.Code? {
        do throws(HTTPClientError) {
            _ = try await client.send(request)
            return nil
        } catch { return error.code }
    }

    @Test func `a server that never answers costs the deadline`() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.waitForEnd()
        }
        defer { server.stop() }
        let request = ClientRequest(url: server.url, deadline: .milliseconds(100))
        #expect(await failure(request) == .timeout)
        #expect(await becomesTrue { server.openConnections == 0 })
    }

    @Test func `a server that drips its answer costs the deadline too`() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
            connection.waitForEnd()
        }
        defer { server.stop() }
        let request = ClientRequest(url: server.url, deadline: .milliseconds(100))
        #expect(await failure(request) == .timeout)
    }

    @Test func `a server that dies in mid-response is a lost connection`() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        }
        defer { server.stop() }
        let request = ClientRequest(method: .post, url: server.url, body: [])
        #expect(await failure(request) == .connectionLost)
        #expect(server.requests.count == 1)
    }

    @Test func `a server that closes without a word is a lost connection`() async throws {
        let server = try ScriptedServer { connection in _ = connection.read() }
        defer { server.stop() }
        let request = ClientRequest(method: .post, url: server.url, body: [1])
        #expect(await failure(request) == .connectionLost)
        #expect(server.requests.count == 1)
    }

    @Test func `an unsafe request is never sent twice, also not over a connection that died`()
        async throws
    {
        let server = try ScriptedServer { connection in
            while let request = connection.read(), request.method == "GET" {
                connection.answer(200)
            }
        }
        defer { server.stop() }
        _ = try await client.send(ClientRequest(url: server.url))
        for body in [[], Array("x".utf8)] {
            let request = ClientRequest(method: .post, url: server.url, body: body)
            #expect(await failure(request) == .connectionLost)
        }
        #expect(server.requests.filter { $0.method == "POST" }.count == 2)
    }

    @Test func `a refused connection is told apart, and the next call finds the server`()
        async throws
    {
        let port = try ScriptedServer.deadPort()
        let url = "http://127.0.0.1:\(port)"
        #expect(await failure(ClientRequest(url: url)) == .connectionFailed)
        let server = try ScriptedServer(port: port) { connection in
            while connection.read() != nil { connection.answer(200) }
        }
        defer { server.stop() }
        #expect(await failure(ClientRequest(url: url)) == nil)
    }

    @Test func `an unknown host is a failed connection`() async {
        let request = ClientRequest(url: "http://no-such-host.invalid/", retry: .never)
        #expect(await failure(request) == .connectionFailed)
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `what is not HTTP is refused`(bytes: String) async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.write(bytes)
        }
        defer { server.stop() }
        let code = await failure(ClientRequest(method: .post, url: server.url, body: [1]))
        #expect(code == .malformedResponse || code == .connectionLost)
    }

    @Test func `a response over the limit is cut off, announced or not`() async throws {
        let server = try ScriptedServer { connection in
            while let request = connection.read() {
                if request.path == "/announced" {
                    connection.answer(200, body: String(repeating: "x", count: 1001))
                } else if request.path == "/exact" {
                    connection.answer(200, body: String(repeating: "x", count: 1000))
                } else if request.path == "/head" {
                    connection.answer(200, ["X-Long: " + String(repeating: "x", count: 70_000)])
                } else {
                    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    let chunk = "100\r\n" + String(repeating: "x", count: 256) + "\r\n"
                    for _ in 0..<100 { connection.write(chunk) }
                }
            }
        }
        defer { server.stop() }
        for path in ["/announced", "/chunked", "/head"] {
            let request = ClientRequest(url: server.url + path, responseLimitBytes: 1000)
            #expect(await failure(request) == .responseTooLarge, "\(path)")
        }
        let exact = ClientRequest(url: server.url + "/exact", responseLimitBytes: 1000)
        #expect(await failure(exact) == nil)
    }

    @Test func `cancelling the task ends the transfer`() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.waitForEnd()
        }
        defer { server.stop() }
        let call = Task { await failure(ClientRequest(url: server.url, deadline: .seconds(600))) }
        #expect(await becomesTrue { server.requests.count == 1 })
        call.cancel()
        #expect(await call.value == .cancelled)
        #expect(await becomesTrue { server.openConnections == 0 })
    }

    @Test func `a task that is cancelled already sends nothing`() async throws {
        let server = try ScriptedServer { connection in _ = connection.read() }
        defer { server.stop() }
        let call = Task {
            while !Task.isCancelled { await Task.yield() }
            return await failure(ClientRequest(url: server.url))
        }
        call.cancel()
        #expect(await call.value == .cancelled)
        #expect(server.requests.isEmpty)
    }

    @Test func `more calls than allowed are refused at once`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.requestsUnderWay = 2
        let client = HTTPClient(configuration, world: World())
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.waitForEnd()
        }
        let codes = await withTaskGroup(of: HTTPClientError.Code?.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do throws(HTTPClientError) {
                        _ = try await client.send(
                            ClientRequest(url: server.url, deadline: .seconds(600), retry: .never))
                        return nil
                    } catch { return error.code }
                }
            }
            var codes = [await group.next().flatMap { $0 }]
            server.stop()
            for await code in group { codes.append(code) }
            return codes
        }
        #expect(codes == [.overloaded, .connectionLost, .connectionLost])
    }

    @Test func `a shutdown answers whoever waits`() async throws {
        let client = HTTPClient(HTTPClientConfiguration(), world: World())
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.waitForEnd()
        }
        defer { server.stop() }
        let call = Task { () -> HTTPClientError.Code? in
            do throws(HTTPClientError) {
                _ = try await client.send(ClientRequest(url: server.url, deadline: .seconds(600)))
                return nil
            } catch { return error.code }
        }
        #expect(await becomesTrue { server.requests.count == 1 })
        await client.shutdown()
        #expect(await call.value == .shutDown)
        await #expect(throws: HTTPClientError(.shutDown)) {
            try await client.send(ClientRequest(url: server.url))
        }
    }

    @Test(arguments: [
        ("X-Evil", "a\r\nInjected: 1"), ("X-Evil", "a\nb"), ("X-Evil", "a\0b"), ("X Evil", "a"),
        ("X-Evil:", "a"), ("", "a"), ("X\r\nY", "a"), ("Content-Length", "5"), ("Host", "other"),
        ("Transfer-Encoding", "chunked"),
    ])
    func `a header that could break the framing is refused`(name: String, value: String) async {
        var request = ClientRequest(url: "http://127.0.0.1:9/")
        request.headers.add(name, value)
        #expect(await failure(request) == .invalidRequest)
    }

    @Test(arguments: [
        "", "/relative", "ftp://host/", "file:///etc/passwd", "http://", "http:///path",
        "http://user:secret@host/", "http://host/ x", "http://host/\r\nX: y", "http://host/ä",
        "http://host/#fragment", "http://:80/", "http://good\\@evil/",
    ])
    func `a URL that cannot be sent safely is refused`(url: String) async {
        #expect(await failure(ClientRequest(url: url)) == .invalidRequest)
    }
}
