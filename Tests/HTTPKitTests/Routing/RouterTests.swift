import HTTPKit
import Kernel
import Synchronization
import Testing

@Suite struct RouterTests {
    private struct Member: Sendable { let name: String }

    private static func portal(
        middleware: [any Middleware] = [], innerMiddleware: [any Middleware] = []
    ) -> Audience<Member> {
        Audience(
            name: "portal", prefix: "/v1/portal", middleware: middleware,
            innerMiddleware: innerMiddleware
        ) { request in
            guard let name = request.headers["Authorization"] else {
                throw Problem.unauthorized("no_credential", "Say who you are.")
            }
            return Member(name: name)
        }
    }

    private static func sdk() -> Audience<Int> {
        Audience(
            name: "sdk", prefix: "/v1/sdk", strictness: .lenient,
            crossOrigin: CrossOriginPolicy { origin, _ in origin == "https://shop.example" }
        ) { request in
            guard request.headers["X-Key"] == "1" else {
                throw Problem.unauthorized("no_key", "Send a key.")
            }
            return 1
        }
    }

    private static func routes(_ router: inout Router) {
        router.group(portal()) { group in
            group.get("/me") { _, member in .text(member.name) }
            group.get("/things/special") { _, _ in .text("special") }
            group.get("/things/{thing_id}") { request, _ in
                .text("thing \(try request.pathParameters.string("thing_id"))")
            }
            group.get("/things/{id}/parts") { request, _ in
                .text("parts of \(try request.pathParameters.string("id"))")
            }
            group.get("/campaigns/{campaign_id}") { request, _ in
                .text(try request.pathParameters.id("campaign_id", as: CampaignID.self).description)
            }
            group.post("/echo") { request, _ in .json(try request.decode(Greeting.self)) }
            group.get("/list") { request, _ in .text("\(try request.query.page().limit)") }
        }
        router.group(sdk()) { group in
            group.post("/echo") { request, _ in .json(try request.decode(Greeting.self)) }
        }
    }

    /// Counts whom it lets through.
    private final class Turnstile: Middleware {
        let count = Atomic(0)

        func respond(
            to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
        ) async throws -> HTTPResponse {
            count.add(1, ordering: .relaxed)
            return try await next(request)
        }
    }

    @Test func `inner middleware sees only callers who may call`() async throws {
        let (outer, inner) = (Turnstile(), Turnstile())
        let audience = Self.portal(middleware: [outer], innerMiddleware: [inner])
        try await withServer { router in
            router.group(audience) { group in
                group.get("/me") { _, member in .text(member.name) }
            }
        } _: { port in
            try await request(port, "GET", "/v1/portal/me").expect(401)
            #expect(inner.count.load(ordering: .relaxed) == 0)
            let mine = try await request(
                port, "GET", "/v1/portal/me", headers: ["Authorization: ann"])
            #expect(mine.text == "ann")
            #expect(inner.count.load(ordering: .relaxed) == 1)
            #expect(outer.count.load(ordering: .relaxed) == 2)
        }
    }

    @Test func `the prefix decides which credential counts`() async throws {
        try await withServer(routes: Self.routes) { port in
            let mine = try await request(
                port, "GET", "/v1/portal/me", headers: ["Authorization: ann"])
            #expect(mine.text == "ann")
            try await request(port, "GET", "/v1/portal/me", headers: ["X-Key: 1"]).expect(401)
            try await request(
                port, "POST", "/v1/sdk/echo", headers: ["Authorization: ann"], body: "{}"
            ).expect(401)
        }
    }

    @Test func `a literal wins over a parameter, and search goes back where it must`() async throws
    {
        try await withServer(routes: Self.routes) { port in
            for (path, text) in [
                ("special", "special"), ("other", "thing other"),
                ("special/parts", "parts of special"),
            ] {
                let response = try await request(
                    port, "GET", "/v1/portal/things/\(path)", headers: ["Authorization: a"])
                #expect(response.text == text)
            }
        }
    }

    @Test func `an id of another kind is not found`() async throws {
        try await withServer(routes: Self.routes) { port in
            let id = CampaignID(SystemIDGenerator().next())
            let found = try await request(
                port, "GET", "/v1/portal/campaigns/\(id)", headers: ["Authorization: a"])
            #expect(found.text == id.description)
            let other = RewardID(id.uuid)
            try await request(
                port, "GET", "/v1/portal/campaigns/\(other)", headers: ["Authorization: a"]
            ).expect(404)
        }
    }

    @Test func `unknown fields are errors for members and ignored from pages`() async throws {
        try await withServer(routes: Self.routes) { port in
            let body = #"{"name":"a","colour":"red"}"#
            let strict = try await request(
                port, "POST", "/v1/portal/echo", headers: ["Authorization: a"], body: body)
            #expect(strict.status == 400)
            #expect(strict.text.contains(#""pointer":"/colour","code":"unknown_field""#))
            let lenient = try await request(
                port, "POST", "/v1/sdk/echo", headers: ["X-Key: 1"], body: body)
            #expect(lenient.text == #"{"name":"a"}"#)
        }
    }

    @Test func `a limit out of bounds names the parameter`() async throws {
        try await withServer(routes: Self.routes) { port in
            for query in ["limit=0", "limit=x", "limit=201"] {
                let response = try await request(
                    port, "GET", "/v1/portal/list?\(query)", headers: ["Authorization: a"])
                #expect(response.status == 400)
                #expect(response.text.contains(#""pointer":"?limit""#))
            }
        }
    }

    @Test func `routes are listed for checks against a description`() {
        var router = Router()
        Self.routes(&router)
        #expect(
            router.routes.contains {
                $0.method == .get && $0.template == "/v1/portal/things/{thing_id}"
                    && $0.audience == "portal"
            })
        #expect(router.routes.count == 8)
    }

    // MARK: - Middleware

    private struct Mark: Middleware {
        let name: String
        func respond(
            to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
        ) async throws -> HTTPResponse {
            var request = request
            request.headers.add("X-Seen", name)
            var response = try await next(request)
            response.headers.add("X-Left", name)
            return response
        }
    }

    @Test func `middleware runs from the outside in and back`() async throws {
        let routes: (inout Router) -> Void = { router in
            let audience = Self.portal(middleware: [Mark(name: "1"), Mark(name: "2")])
            router.group(audience) { group in
                group.get("/seen") { request, _ in
                    .text(request.headers.values("X-Seen").joined())
                }
            }
        }
        try await withServer(routes: routes) { port in
            let response = try await request(
                port, "GET", "/v1/portal/seen", headers: ["Authorization: a"])
            #expect(response.text == "12")
            #expect(response.headers.filter { $0.name == "X-Left" }.map(\.value) == ["2", "1"])
        }
    }

    // MARK: - Other origins

    @Test func `a preflight of an allowed page is answered by the kit`() async throws {
        try await withServer(routes: Self.routes) { port in
            let asking = ["Access-Control-Request-Method: POST"]
            let allowed = try await request(
                port, "OPTIONS", "/v1/sdk/echo", headers: asking + ["Origin: https://shop.example"])
            #expect(allowed.status == 204)
            #expect(allowed["Access-Control-Allow-Origin"] == "https://shop.example")
            #expect(allowed["Access-Control-Allow-Methods"]?.contains("POST") == true)
            #expect(allowed["Access-Control-Allow-Headers"]?.contains("Authorization") == true)
            #expect(allowed["Vary"] == "Origin")
            let refused = try await request(
                port, "OPTIONS", "/v1/sdk/echo", headers: asking + ["Origin: https://evil.example"])
            #expect(refused.status == 403)
            #expect(refused["Access-Control-Allow-Origin"] == nil)
            let portal = try await request(
                port, "OPTIONS", "/v1/portal/me", headers: asking + ["Origin: https://shop.example"]
            )
            #expect(portal["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test func `an allowed page can read problems too`() async throws {
        try await withServer(routes: Self.routes) { port in
            for (headers, body, status) in [
                (["X: 1"], "{}", 401), (["X-Key: 1"], "{", 400),
                (["X-Key: 1", "Content-Type: text/plain"], "{}", 415),
            ] {
                let response = try await request(
                    port, "POST", "/v1/sdk/echo",
                    headers: headers + ["Origin: https://shop.example"], body: body)
                #expect(response.status == status)
                #expect(response["Access-Control-Allow-Origin"] == "https://shop.example")
            }
        }
    }

    // MARK: - Endpoints

    private static let greet = Endpoint<Greeting, Greeting>(path: "/internal/greet", safety: .read)

    @Test func `an endpoint is mounted at its own path`() async throws {
        let audience = Audience<Void>(name: "internal", prefix: "/internal") { _ in }
        let routes: (inout Router) -> Void = { router in
            router.group(audience) { group in
                group.on(Self.greet) { input, _, _ in Greeting(name: "hello " + input.name) }
            }
        }
        try await withServer(routes: routes) { port in
            let response = try await request(
                port, "POST", "/internal/greet", body: #"{"name":"bob"}"#)
            #expect(response.text == #"{"name":"hello bob"}"#)
        }
    }

    @Test func `wiring errors stop the process`() async {
        await #expect(processExitsWith: .failure) {
            var router = Router()
            router.group(Audience<Void>(name: "a", prefix: "/v1/a") { _ in }) { $0.noop() }
            router.group(.open()) { $0.get("/v1/a/stolen") { _, _ in .noContent } }
        }
        await #expect(processExitsWith: .failure) {
            var router = Router()
            router.group(.open()) { group in
                group.get("/x/{a}") { _, _ in .noContent }
                group.get("/x/{b}") { _, _ in .noContent }
            }
        }
        await #expect(processExitsWith: .failure) {
            var router = Router()
            router.group(Audience<Void>(name: "a", prefix: "/v1/a") { _ in }) { $0.noop() }
            router.group(Audience<Void>(name: "b", prefix: "/v1/a") { _ in }) { $0.noop() }
        }
    }
}

extension RouteGroup {
    fileprivate func noop() {}
}
