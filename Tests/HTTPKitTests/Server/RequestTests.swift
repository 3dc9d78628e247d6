import HTTPKit
import Kernel
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
}
