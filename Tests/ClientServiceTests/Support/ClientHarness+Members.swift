import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import ClientService

/// What a browser holds after signing in.
struct Browser: Sendable {
    let token: String
    let cookie: String
    let memberID: String
    let body: JSONValue
}

extension ClientHarness {
    static let email = "ada@shop.example"
    static let password = "correct horse battery"

    /// A new member of a client.
    func makeMember(
        of client: ClientID, email: String = email, password: String = password
    ) async throws -> String {
        let made = try await staff(
            .post, "/clients/\(client)/members",
            [
                "email": .string(email), "name": "Ada", "password": .string(password),
                "role": "owner",
            ])
        #expect(made.status == 201)
        return try #require(made.body["member_id"]?.string)
    }

    /// Tries to sign in.
    func signIn(
        _ email: String = email, _ password: String = password, client: ClientID? = nil,
        headers: HTTPHeaders = [:]
    ) async throws -> ClientResponse {
        var body: [String: JSONValue] = ["email": .string(email), "password": .string(password)]
        if let client { body["client_id"] = .string(client.description) }
        return try await auth(.post, "/auth/sessions", headers: headers, body: .object(body))
    }

    /// Signs in, which must succeed.
    func browser(
        _ email: String = email, _ password: String = password, client: ClientID? = nil
    ) async throws -> Browser {
        try Self.browser(try await signIn(email, password, client: client), status: 201)
    }

    func refresh(_ cookie: String, headers: HTTPHeaders = [:]) async throws -> ClientResponse {
        var headers = headers
        headers.add("Cookie", cookie)
        return try await auth(.post, "/auth/sessions/refresh", headers: headers)
    }

    func signOut(_ cookie: String) async throws -> ClientResponse {
        try await auth(.delete, "/auth/sessions", headers: ["Cookie": cookie])
    }

    func auth(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: JSONValue? = nil
    ) async throws -> ClientResponse {
        var headers = headers
        if body != nil, !headers.contains("Content-Type") {
            headers.add("Content-Type", "application/json")
        }
        return try await http.send(
            ClientRequest(
                method: method, url: service.url + path, headers: headers,
                body: try body.map { try JSONCoding.encode($0) }, deadline: .seconds(30)))
    }

    /// What a browser keeps of an answer.
    static func browser(_ response: ClientResponse, status: Int) throws -> Browser {
        #expect(response.status == status)
        let body = try JSONCoding.parse(response.body)
        let set = try #require(response.headers["Set-Cookie"])
        return Browser(
            token: try #require(body["token"]?.string),
            cookie: String(set.prefix { $0 != ";" }),
            memberID: try #require(body["member"]?["member_id"]?.string), body: body)
    }

    static func code(_ response: ClientResponse) -> String? {
        (try? JSONCoding.parse(response.body))?["code"]?.string
    }
}
