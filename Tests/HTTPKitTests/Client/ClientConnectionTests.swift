import HTTPKit
import Kernel
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ClientConnectionTests {
    private let client = HTTPClient(HTTPClientConfiguration(), world: World())

    @Test func `calls one after the other share a connection`() async throws {
        let server = try ScriptedServer { connection in
            while let request = connection.read() {
                connection.answer(200, body: request.path)
            }
        }
        defer { server.stop() }
        for number in 1...20 {
            let response = try await client.send(ClientRequest(url: "\(server.url)/\(number)"))
            #expect(response.status == 200)
            #expect(String(decoding: response.body, as: UTF8.self) == "/\(number)")
        }
        #expect(server.connections == 1)
    }

    @Test func `200 parallel calls are all answered over a bounded number of connections`()
        async throws
    {
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerHost = 8
        let client = HTTPClient(configuration, world: World())
        let server = try ScriptedServer { connection in
            while let request = connection.read() {
                connection.answer(200, body: request.body)
            }
        }
        defer { server.stop() }
        let right = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let request = ClientRequest(
                        method: .post, url: "\(server.url)/echo", body: Array("\(number)".utf8),
                        deadline: .seconds(30), retry: .keyed())
                    let body = try? await client.send(request).body
                    return body == Array("\(number)".utf8)
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(right == 200)
        #expect(server.connections <= 8)
        await client.shutdown()
    }

    @Test func `a connection that the server closed in between is replaced`() async throws {
        let server = try ScriptedServer { connection in
            if connection.read() != nil { connection.answer(200, body: "\(connection.number)") }
        }
        defer { server.stop() }
        for number in 1...5 {
            let response = try await client.send(ClientRequest(url: server.url))
            #expect(response.body == Array("\(number)".utf8))
            #expect(await becomesTrue { server.openConnections == 0 })
        }
    }

    @Test func `a call that must not be repeated leaves no connection behind`() async throws {
        let server = try ScriptedServer { connection in
            while let request = connection.read() {
                connection.answer(200, body: request.path)
            }
        }
        defer { server.stop() }
        for _ in 1...5 {
            let request = ClientRequest(method: .post, url: server.url, retry: .never)
            #expect(try await client.send(request).status == 200)
            #expect(await becomesTrue { server.openConnections == 0 })
        }
        #expect(server.connections == 5)
    }

    @Test func `every method arrives with its body and headers`() async throws {
        let server = try ScriptedServer { connection in
            while let request = connection.read() {
                connection.answer(
                    request.method == "DELETE" ? 204 : 200,
                    ["X-Method: \(request.method)", "X-Two: a", "x-two:  b  "])
            }
        }
        defer { server.stop() }
        for method in HTTPMethod.allCases where method != .head {
            var request = ClientRequest(method: method, url: "\(server.url)/a/../b?c=%20")
            request.headers = ["X-Empty": "", "Content-Type": "application/json", "X-Uml": "ä"]
            if method.hasBody { request.body = Array("{\"m\":\"\(method.rawValue)\"}".utf8) }
            let response = try await client.send(request)
            #expect(response.headers["x-method"] == method.rawValue)
            #expect(response.headers.values("X-Two") == ["a", "b"])
            let seen = try #require(server.requests.last)
            #expect(seen.line == "\(method.rawValue) /a/../b?c=%20 HTTP/1.1")
            #expect(seen.headers["x-empty"] == "")
            #expect(seen.headers["x-uml"] == "ä")
            #expect(seen.headers["expect"] == nil)
            #expect(seen.body == (method.hasBody ? "{\"m\":\"\(method.rawValue)\"}" : ""))
        }
        let head = try await client.send(ClientRequest(method: .head, url: server.url))
        #expect(head.status == 200)
        #expect(server.requests.last?.method == "HEAD")
        #expect(server.connections == 1 + 5, "unsafe methods use a connection of their own")
    }

    @Test func `a large body is sent without asking first`() async throws {
        let server = try ScriptedServer { connection in
            while let request = connection.read() {
                connection.answer(200, body: "\(request.body.utf8.count)")
            }
        }
        defer { server.stop() }
        let request = ClientRequest(
            method: .post, url: server.url, body: [UInt8](repeating: 97, count: 3_000_000),
            retry: .keyed())
        #expect(try await client.send(request).body == Array("3000000".utf8))
        #expect(server.requests.first?.headers["expect"] == nil)
        #expect(server.requests.first?.headers["content-type"] == nil)
    }

    @Test func `a redirect is returned, not followed`() async throws {
        let server = try ScriptedServer { connection in
            while connection.read() != nil { connection.answer(302, ["Location: /elsewhere"]) }
        }
        defer { server.stop() }
        let response = try await client.send(ClientRequest(url: server.url))
        #expect(response.status == 302)
        #expect(response.headers["Location"] == "/elsewhere")
        #expect(server.requests.count == 1)
    }

    @Test func `trailers and interim responses do not show among the headers`() async throws {
        let server = try ScriptedServer { connection in
            while connection.read() != nil {
                connection.write("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
                connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                connection.write("3\r\nabc\r\n0\r\nX-Trailer: late\r\n\r\n")
            }
        }
        defer { server.stop() }
        let response = try await client.send(ClientRequest(url: server.url))
        #expect(response.status == 200)
        #expect(response.body == Array("abc".utf8))
        #expect(response.headers.fields.map(\.name) == ["Transfer-Encoding"])
    }

    @Test func `the trace and the request id of the current work are sent on`() async throws {
        let server = try ScriptedServer { connection in
            while connection.read() != nil { connection.answer(200) }
        }
        defer { server.stop() }
        let trace = TraceContext()
        try await TraceContext.$current.withValue(trace) {
            try await RequestScope.$current.withValue(RequestScope(requestID: "req-7")) {
                _ = try await client.send(ClientRequest(url: server.url))
                _ = try await client.send(
                    ClientRequest(url: server.url, headers: ["x-request-id": "own"]))
            }
        }
        _ = try await client.send(ClientRequest(url: server.url))
        let seen = server.requests.map(\.headers)
        let sent = try #require(seen[0]["traceparent"].flatMap { TraceContext(traceparent: $0) })
        #expect(sent.traceID == trace.traceID)
        #expect(sent.spanID != trace.spanID)
        #expect(seen.map { $0["x-request-id"] } == ["req-7", "own", nil])
        #expect(seen[2]["traceparent"] == nil)
    }
}
