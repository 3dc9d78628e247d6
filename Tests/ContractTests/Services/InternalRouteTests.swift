import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import Testing

/// Every internal route of every service is for services only.
@Suite(.timeLimit(.minutes(3))) struct InternalRouteTests {
    @Test func `every service is looked at`() throws {
        #expect(Set(EveryService.all.map(\.name)) == (try EveryService.folders()))
    }

    @Test(arguments: EveryService.all)
    func `no internal route answers without a service token for this service`(
        _ subject: EveryService
    ) async throws {
        let caller = Ed25519PrivateKey.generate()
        let staffSecret = [UInt8](repeating: 7, count: 32)
        let other: ServiceName = subject.service == .event ? .client : .event
        try await subject.serve({
            $0.serviceKeys = [other: caller.publicKey]
            $0.staffSecret = staffSecret
            $0.databaseURL = "postgresql://nobody@127.0.0.1:1/nothing"
        }) { router in
            let server = HTTPServer(router: router, world: World())
            let url = "http://127.0.0.1:\(try server.start())"
            let client = HTTPClient(HTTPClientConfiguration(), world: World())
            let routes = router.routes.filter { $0.template.hasPrefix("/internal") }
            for route in routes {
                #expect(route.audience == "internal")
                let tokens = try Self.refused(subject.service, other, caller, staffSecret)
                for token in [nil] + tokens.map(Optional.some) {
                    let status = try await Self.call(route, url, client, token)
                    #expect(status == 401, "\(route.method) \(route.template)")
                }
                let issuer = ServiceTokenIssuer(caller: other, key: caller, clock: SystemClock())
                let good = try await Self.call(
                    route, url, client, issuer.token(for: subject.service))
                #expect(good != 401 && good != 404, "\(route.method) \(route.template): \(good)")
            }
            await client.shutdown()
            await server.drain(within: .seconds(1))
        }
    }

    /// Credentials of other kinds, for others, from strangers, and forged.
    private static func refused(
        _ callee: ServiceName, _ caller: ServiceName, _ key: Ed25519PrivateKey,
        _ staffSecret: [UInt8]
    ) throws -> [String] {
        let now = SystemClock().now()
        let claims = JWTClaims(
            sub: caller.executableName, aud: [callee.executableName], exp: now + .seconds(60),
            iat: now)
        let elsewhere: ServiceName = callee == .reward ? .campaign : .reward
        let forOthers = ServiceTokenIssuer(caller: caller, key: key, clock: SystemClock())
        let stranger = ServiceTokenIssuer(
            caller: caller, key: .generate(), clock: SystemClock())
        var asSomebodyElse = claims
        asSomebodyElse.sub = ServiceName.workflow.executableName
        var expired = claims
        expired.exp = now + .seconds(-120)
        let kid = caller.executableName
        return [
            "", "x", "a.b.c", APIKeySecret.generate(kind: .secret, mode: .live).text,
            forOthers.token(for: elsewhere), stranger.token(for: callee),
            JWTSigner.ed25519(key, kid: kid).sign(asSomebodyElse),
            JWTSigner.ed25519(key, kid: kid).sign(expired),
            try JWTSigner.hs256(secret: key.publicKey.bytes, kid: kid).sign(claims),
            try JWTSigner.hs256(secret: staffSecret).sign(
                JWTClaims(sub: "ada", aud: ["grapevine-admin"], exp: now + .seconds(60))),
        ]
    }

    private static func call(
        _ route: RouteDescription, _ url: String, _ client: HTTPClient, _ token: String?
    ) async throws -> Int {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if let token { headers.add("Authorization", "Bearer \(token)") }
        let response = try await client.send(
            ClientRequest(
                method: route.method, url: url + OpenAPIPath.filled(route.template),
                headers: headers, body: route.method.hasBody ? Array("{}".utf8) : nil,
                deadline: .seconds(40), retry: .never))
        return response.status
    }
}

/// Templates with something in place of their names.
enum OpenAPIPath {
    static func filled(_ template: String) -> String {
        template.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("{") ? "x" : String($0) }.joined(separator: "/")
    }
}
