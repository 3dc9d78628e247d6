import Contracts
import HTTPKit
import Kernel
import TestKit

/// Platform staff, with the token that `client-service staff-token` prints.
struct Staff: Sendable {
    let caller: Caller

    static func signIn(_ deployment: Deployment) async throws -> Staff {
        let service = try deployment[.client]
        let token = try await Command.run(
            Repository.executable(ServiceName.client.executableName),
            ["staff-token", "--subject", "tests"], environment: service.environment)
        let line = token.split(separator: "\n").last.map(String.init) ?? ""
        return Staff(caller: deployment.caller(line))
    }

    /// A new client with both kinds of keys.
    func makeTenant(_ name: String, _ deployment: Deployment) async throws -> Tenant {
        let client = try await caller.persist(
            .post, "/v1/admin/clients", ["name": .string(name)], key: "client-\(name)"
        ).expecting(201)
        let id = try client.string("client_id")
        guard let clientID = ClientID(id) else {
            throw UnexpectedAnswer(answer: client, wanted: "a client's id")
        }
        let secret = try await makeKey("secret", of: id, named: name)
        let publishable = try await makeKey("publishable", of: id, named: name)
        return Tenant(
            name: name, clientID: clientID, secretKey: secret, publishableKey: publishable,
            server: deployment.caller(secret), browser: deployment.caller(publishable))
    }

    /// A new owner of a client, signed in.
    func makeMember(of tenant: Tenant, _ deployment: Deployment) async throws -> Caller {
        let email: JSONValue = .string("owner@\(tenant.name).example")
        let password: JSONValue = "correct horse battery staple"
        try await caller.persist(
            .post, "/v1/admin/clients/\(tenant.clientID)/members",
            ["email": email, "name": "Owner", "password": password, "role": "owner"],
            key: "member-\(tenant.name)"
        ).expecting(201)
        let session = try await deployment.caller(nil).persist(
            .post, "/auth/sessions", ["email": email, "password": password]
        ).expecting(201)
        return deployment.caller(try session.string("token"))
    }

    /// A key's secret is told once. When that answer was lost, a careful operator makes another.
    private func makeKey(
        _ kind: String, of client: String, named name: String
    ) async throws -> String {
        for attempt in 1...5 {
            let answer = try await caller.persist(
                .post, "/v1/admin/clients/\(client)/keys",
                ["kind": .string(kind), "name": .string(name), "origins": [], "scopes": []],
                key: "key-\(kind)-\(name)-\(attempt)"
            ).expecting(201)
            if let secret = answer["secret"]?.string { return secret }
        }
        throw ProcessError("Five keys were made and no secret was told.")
    }
}

/// A client of the platform, with its keys.
struct Tenant: Sendable {
    let name: String
    let clientID: ClientID
    let secretKey: String
    let publishableKey: String
    /// Calls with the secret key.
    let server: Caller
    /// Calls with the publishable key.
    let browser: Caller
}

extension Deployment {
    /// Somebody at the gateway.
    func caller(_ credential: String?) -> Caller {
        Caller(
            http: http, complaints: complaints, baseURL: gateway.url, credential: credential)
    }

    /// Somebody at one service's own port.
    func caller(_ credential: String?, at service: ServiceName) throws -> Caller {
        Caller(
            http: http, complaints: complaints, baseURL: try self[service].url,
            credential: credential)
    }
}
