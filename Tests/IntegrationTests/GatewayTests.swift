import Contracts
import HTTPKit
import Kernel
import TestKit
import Testing

extension PathTests {
    /// What the gateway lets through and what it does not.
    @Suite struct GatewayBorder {
        static let end = "Host: a\r\nConnection: close\r\n\r\n"
        static let events = "POST /v1/sdk/events HTTP/1.1\r\n"

        /// Bytes that mean two things, or too much of anything.
        static let malformed: [MalformedRequest] = [
            .init("two Hosts", "GET /healthz HTTP/1.1\r\nHost: b\r\n\(end)"),
            .init("no Host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"),
            .init(
                "a length beside chunks",
                "\(events)Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\(end)0\r\n\r\n"),
            .init(
                "two lengths", "\(events)Content-Length: 2\r\nContent-Length: 2\r\n\(end){}"),
            .init("NUL in a header", "\(events)X-A: b\0c\r\nContent-Length: 2\r\n\(end){}"),
            .init("NUL in the address", "GET /v1/sdk/a\0b HTTP/1.1\r\n\(end)"),
            .init("a folded header", "\(events)X-A: b\r\n c\r\nContent-Length: 2\r\n\(end){}"),
            .init("white space before a colon", "\(events)X-A : b\r\n\(end)"),
            .init(
                "a flood of headers",
                events + (0..<2000).map { "X-\($0): some words\r\n" }.joined() + end),
            .init(
                "a long header", "\(events)X-A: \(String(repeating: "a", count: 9000))\r\n\(end)"),
            .init(
                "a body that is too large",
                "\(events)Content-Length: 700000\r\n\(end)\(String(repeating: " ", count: 700_000))"
            ),
            // nginx reads lines that end in LF alone and writes them anew: what arrives is proper,
            // and without a key it is refused there.
            .init(
                "bare LF",
                "POST /v1/sdk/events HTTP/1.1\nHost: a\nConnection: close\n"
                    + "Content-Length: 2\n\n{}"),
        ]

        @Test(arguments: malformed)
        func `a malformed request is refused and harms nobody`(
            _ request: MalformedRequest
        ) async throws {
            let deployment = try Deployment.required()
            let pids = await deployment.pids()
            let answer = try await RawExchange.send(
                Array(request.bytes.utf8), to: deployment.gateway.port)
            let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            #expect((400...499).contains(status ?? 0), "\(request.what): \(answer.prefix(300))")
            try await deployment.waitUntilReady()
            #expect(await deployment.pids() == pids)
        }

        @Test(arguments: [
            "/internal/log", "/internal/keys/resolve", "/internal/rewards/allocate",
            "/internal/feed", "/v1/sdk/../../internal/log", "/v1/sdk/%2e%2e/%2e%2e/internal/log",
            "//internal/log", "/INTERNAL/log", "/metrics", "/readyz",
        ])
        func `internal addresses do not exist out here`(_ path: String) async throws {
            let deployment = try Deployment.required()
            for method in ["GET", "POST"] {
                let request = "\(method) \(path) HTTP/1.1\r\nContent-Length: 0\r\n\(Self.end)"
                let answer = try await RawExchange.send(
                    Array(request.utf8), to: deployment.gateway.port)
                let status = answer.split(separator: " ").dropFirst().first ?? ""
                #expect(status == "404" || status == "400", "\(method) \(path): \(status)")
            }
        }

        @Test func `what callers say of themselves does not reach the services`() async throws {
            var router = Router()
            router.group(Audience<Void>.open(prefix: "/v1/sdk")) { group in
                group.post("/events") { request, _ in .json(Seen(request.headers)) }
            }
            var configuration = HTTPServerConfiguration()
            configuration.port = 0
            let server = HTTPServer(router: router, configuration: configuration, world: World())
            let port = try server.start()
            let services = Dictionary(
                uniqueKeysWithValues: Deployment.serviceNames.map { ($0, port) })
            let gateway = try await Gateway.start(
                in: Repository.scratchDirectory("gateway"), before: services)
            let caller = Caller(
                http: try Deployment.required().http, complaints: Complaints(),
                baseURL: gateway.url, credential: nil)
            let answer = try await eventually("the gateway answers", within: .seconds(30)) {
                let answer = try await caller.send(
                    .post, "/v1/sdk/events", [:],
                    headers: [
                        "X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7",
                        "Forwarded": "for=203.0.113.7", "Grapevine-Position": "0:1",
                    ])
                return answer.status == 200 ? answer : nil
            }
            #expect(answer["forwarded_for"]?.array == ["127.0.0.1"])
            #expect(answer["others"]?.array == [])
            try await gateway.stop()
            await server.drain(within: .seconds(1))
        }

        /// What a service behind the gateway is told.
        private struct Seen: Encodable {
            let forwardedFor: [String]
            let others: [String]

            init(_ headers: HTTPHeaders) {
                forwardedFor = headers.values("X-Forwarded-For")
                others = ["X-Real-IP", "Forwarded", "Grapevine-Position"]
                    .filter { headers.contains($0) }
            }

            private enum CodingKeys: String, CodingKey {
                case others
                case forwardedFor = "forwarded_for"
            }
        }
    }
}

/// Bytes that are no proper request.
struct MalformedRequest: Sendable, CustomTestStringConvertible {
    let what: String
    let bytes: String

    init(_ what: String, _ bytes: String) {
        self.what = what
        self.bytes = bytes
    }

    var testDescription: String { what }
}
