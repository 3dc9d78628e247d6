import HTTPKit
import Kernel
import SecurityKit
import Testing

@testable import ServiceKit

@Suite struct KeyPlacesTests {
    private let publishable = APIKeySecret.generate(kind: .publishable, mode: .live).text
    private let secret = APIKeySecret.generate(kind: .secret, mode: .test).text
    private let places = KeyPlaces(
        query: ["key"], path: "key", body: { String(decoding: $0, as: UTF8.self) })

    private func key(
        _ places: KeyPlaces, header: String? = nil, query: String? = nil, path: String? = nil,
        body: String = ""
    ) throws -> String {
        var headers = HTTPHeaders()
        if let header { headers.add("Authorization", header) }
        return try places.key(
            of: HTTPRequest(
                method: .post, path: "/", query: QueryParameters(query.map { [("key", $0)] } ?? []),
                headers: headers, body: Array(body.utf8),
                pathParameters: PathParameters(path.map { [("key", $0)] } ?? []),
                context: RequestContext(
                    requestID: "test", trace: TraceContext(), deadline: .now + .seconds(30),
                    receivedAt: SystemClock().now(), logger: .silent)))
    }

    @Test func `a header's key counts before the address's, and that before the body's`() throws {
        #expect(
            try key(places, header: "Bearer a", query: publishable, body: "c") == "a")
        #expect(try key(places, query: publishable, body: "c") == publishable)
        #expect(try key(places, path: publishable, body: "c") == publishable)
        #expect(try key(places, body: secret) == secret)
    }

    @Test func `a secret key in an address is refused by its looks`() {
        for refused in [
            { try key(places, query: secret) }, { try key(places, path: secret) },
        ] {
            let problem = #expect(throws: Problem.self) { try refused() }
            #expect(problem?.status == 403 && problem?.code == "secret_key_in_address")
        }
    }

    @Test func `without places only headers count, and a broken header is not passed over`() {
        let missing = #expect(throws: Problem.self) {
            try key(.headers, query: publishable, body: publishable)
        }
        #expect(missing?.code == "credential_missing")
        let broken = #expect(throws: Problem.self) {
            try key(places, header: "Basic ???", query: publishable)
        }
        #expect(broken?.status == 401)
    }
}
