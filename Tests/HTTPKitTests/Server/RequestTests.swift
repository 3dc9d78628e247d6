import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

@Suite struct RequestTests {
    @Test func `a handler that never suspends answers`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(port, "GET", "/hello")
            #expect(response.status == 200)
            #expect(response.text == #"{"name":"world"}"#)
            #expect(response["Content-Type"] == "application/json")
            #expect(response["X-Request-Id"]?.isEmpty == false)
        }
    }

    @Test func `a handler that suspends answers`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(port, "GET", "/later")
            #expect(response.text == #"{"name":"later"}"#)
        }
    }

    @Test func `a JSON body reaches the handler`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(
                port, "POST", "/echo", body: #"{"count":3,"name":"ünï"}"#)
            #expect(response.text == #"{"name":"ünï","count":3}"#)
        }
    }

    @Test func `a chunked body reaches the handler whole`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    message("POST", "/size", headers: ["Transfer-Encoding: chunked"]))
                for part in ["3\r\nabc\r\n", "a\r\n0123456789\r\n", "0\r\n\r\n"] {
                    try connection.send(part)
                }
                return try connection.readResponse()
            }
            #expect(response.text == "13")
        }
    }

    @Test func `HEAD answers like GET without the body`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(port, "HEAD", "/hello")
            #expect(response.status == 200)
            #expect(response["Content-Length"] == "16")
            #expect(response.body.isEmpty)
        }
    }

    @Test func `OPTIONS lists the methods`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(port, "OPTIONS", "/hello")
            #expect(response.status == 204)
            #expect(response["Allow"] == "GET, HEAD, OPTIONS")
        }
    }

    @Test func `another method of a known path gets 405 with Allow`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(port, "DELETE", "/echo")
            #expect(response.status == 405)
            #expect(response["Allow"] == "OPTIONS, POST")
            #expect(response.text.contains(#""code":"method_not_allowed""#))
        }
    }

    @Test func `an unknown path gets a 404 problem and the connection stays`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let answers = try await onThread {
                let connection = try RawConnection(port: port)
                return try ["/none", "/hello/", "/hello"].map { path in
                    try connection.send(message("GET", path))
                    return try connection.readResponse()
                }
            }
            #expect(answers.map(\.status) == [404, 404, 200])
            #expect(answers[0]["Content-Type"] == "application/problem+json")
        }
    }

    @Test func `an unknown method gets 501`() async throws {
        try await withServer(routes: standardRoutes) { port in
            try await request(port, "BREW", "/hello").expect(501)
        }
    }

    @Test func `path parameters and query are decoded once`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(
                port, "GET", "/items/a%2Fb%2500/parts/%C3%BC?q=x%26y+z&q=2")
            #expect(response.text == "a/b%00|ü|x&y z")
        }
    }

    @Test(arguments: [
        "/items/%/parts/1", "/items/%0/parts/1", "/items/%00/parts/1", "/items/%ff/parts/1",
        "/items/../parts/1", "/items/%2e%2e/parts/1", "/items//parts/1",
    ])
    func `a path that cannot be decoded leads nowhere`(path: String) async throws {
        try await withServer(routes: standardRoutes) { port in
            try await request(port, "GET", path).expect(404)
        }
    }

    @Test func `a broken query gets 400`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let response = try await request(port, "GET", "/hello?q=%zz")
            #expect(response.status == 400)
            #expect(response.text.contains(#""code":"malformed_query""#))
        }
    }

    @Test func `a long target and long headers get 414 and 431`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let long = String(repeating: "a", count: 9000)
            try await request(port, "GET", "/\(long)").expect(414)
            let wide = ["X-A: \(long)", "X-B: \(long)"]
            let response = try await request(port, "GET", "/hello", headers: wide)
            #expect(response.status == 431)
            #expect(response["Content-Type"] == "application/problem+json")
            let many = (0..<120).map { "X-\($0): 1" }
            try await request(port, "GET", "/hello", headers: many).expect(431)
        }
    }

    @Test func `a sane request id is taken over and a strange one replaced`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let kept = try await request(
                port, "GET", "/hello", headers: ["X-Request-Id: order-17_a.b:c"])
            #expect(kept["X-Request-Id"] == "order-17_a.b:c")
            let replaced = try await request(
                port, "GET", "/hello", headers: ["X-Request-Id: a b\"c"])
            #expect(replaced["X-Request-Id"]?.contains(" ") == false)
            let problem = try await request(
                port, "GET", "/none", headers: ["X-Request-Id: mine"])
            #expect(problem.text.contains(#""request_id":"mine""#))
        }
    }

    @Test func `the trace of the caller goes on in the handler`() async throws {
        let routes: (inout Router) -> Void = { router in
            router.group(.open()) { group in
                group.get("/trace") { request, _ in
                    let before = TraceContext.current
                    await Task.yield()
                    #expect(before == TraceContext.current)
                    #expect(before == request.context.trace)
                    return .text(TraceContext.current?.traceparent ?? "none")
                }
            }
        }
        try await withServer(routes: routes) { port in
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let response = try await request(
                port, "GET", "/trace", headers: ["traceparent: \(parent)"])
            #expect(response.text.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-"))
            #expect(response.text != parent)
            let fresh = try await request(port, "GET", "/trace", headers: ["traceparent: 00-0-0"])
            #expect(TraceContext(traceparent: fresh.text) != nil)
        }
    }

    @Test func `each request leaves one log line and is counted by its template`() async throws {
        let probe = ServerProbe()
        try await withServer(probe: probe, routes: standardRoutes) { port in
            _ = try await request(
                port, "GET", "/items/secret/parts/1", headers: ["X-Request-Id: r-1"])
            _ = try await request(port, "GET", "/nowhere/secret")
        }
        let lines = probe.lines.filter { $0.contains(#""message":"request""#) }
        #expect(lines.count == 2)
        #expect(!lines.joined().contains("secret"))
        let line = try #require(lines.first { $0.contains(#""request_id":"r-1""#) })
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["route"] as? String == "/items/{item_id}/parts/{part}")
        #expect(object["status"] as? Int == 200)
        let metrics = probe.metrics.render()
        let labels = #"audience="public",route="/items/{item_id}/parts/{part}""#
        #expect(
            metrics.contains(
                "grapevine_http_requests_total{\(labels),method=\"GET\",status=\"200\"} 1"))
        #expect(metrics.contains("grapevine_http_request_duration_seconds_count{\(labels)} 1"))
        #expect(metrics.contains(#"route="unmatched",method="GET",status="404"} 1"#))
    }
}
