import HTTPKit
import Kernel
import TestKit
import Testing

/// Every route of every service, called by one client with the ids of another.
struct TenancyWalk: Sendable {
    let owner: Tenant
    /// The stranger's credentials: a secret key, and the token of its owner, signed in.
    let strangers: [Caller]
    let nouns: Nouns
    let table: RouteTable

    static func prepare(_ deployment: Deployment) async throws -> TenancyWalk {
        let staff = try await Staff.signIn(deployment)
        let owner = try await staff.makeTenant("owner", deployment)
        let stranger = try await staff.makeTenant("stranger", deployment)
        return TenancyWalk(
            owner: owner,
            strangers: [stranger.server, try await staff.makeMember(of: stranger, deployment)],
            nouns: try await Nouns.make(of: owner, deployment), table: try await RouteTable.read())
    }

    /// Routes with ids in their path: an id of the owner's is answered as one that nobody has.
    func tryPaths() async throws {
        for route in table.all(["portal", "sdk"])
        where !Nouns.areNoIDs.isSuperset(of: route.placeholders) {
            for stranger in strangers {
                let foreign = try await call(route, nouns.ids, as: stranger)
                let nobodys = try await call(route, Nouns.nobodys, as: stranger)
                guard let foreign, let nobodys else {
                    Issue.record("\(route) takes an id that the walk does not know; see Nouns")
                    break
                }
                // What pages and servers may call takes keys only, no member's token.
                let refusals: Set =
                    route.template.hasPrefix("/v1/sdk/") ? [401, 403, 404] : [403, 404]
                expectSame(foreign, nobodys, refusals)
            }
        }
    }

    /// Routes that take ids in their body.
    func tryBodies() async throws {
        let foreign = TenancyBodies.naming(nouns.ids)
        let nobodys = TenancyBodies.naming(Nouns.nobodys)
        for route in table.all(["portal", "sdk"])
        where route.placeholders.isEmpty && route.method != "GET" {
            let name = "\(route)"
            guard let method = route.httpMethod, let one = foreign[name], let other = nobodys[name]
            else {
                #expect(
                    TenancyBodies.creations.contains(name), "\(route) is not in TenancyBodies")
                continue
            }
            for stranger in strangers {
                expectSame(
                    try await stranger.send(method, route.template, one, key: "one-\(name)"),
                    try await stranger.send(method, route.template, other, key: "other-\(name)"))
            }
        }
    }

    /// Lists and reports: nothing of the owner's is in them, whatever they are asked for.
    func tryLists() async throws {
        let plain = table.all(["portal", "sdk"]).filter {
            $0.method == "GET" && $0.placeholders.isEmpty
                && !TenancyBodies.streams.contains("\($0)")
        }
        for path in plain.map(\.template) + TenancyBodies.filters(nouns.ids) {
            for stranger in strangers {
                let answer = try await stranger.send(.get, path)
                #expect([200, 400, 403, 404, 409].contains(answer.status), "\(answer)")
                guard answer.status == 200 else { continue }
                let asked = nouns.secrets.filter { path.contains($0) }
                for secret in nouns.secrets where !asked.contains(secret) {
                    #expect(!answer.text.contains(secret), "\(answer)")
                }
                if !asked.isEmpty, let rows = answer["data"]?.array {
                    #expect(rows.isEmpty, "\(answer)")
                }
            }
        }
    }

    /// Nobody of a client is staff.
    func tryAdministration() async throws {
        for route in table.all(["admin"]) {
            for stranger in strangers {
                let foreign = try await call(route, nouns.ids, as: stranger)
                let nobodys = try await call(route, Nouns.nobodys, as: stranger)
                guard let foreign, let nobodys else {
                    Issue.record("\(route) takes an id that the walk does not know; see Nouns")
                    break
                }
                #expect(foreign.status == 401, "\(foreign)")
                #expect(foreign["detail"] == nobodys["detail"], "\(foreign)")
            }
        }
    }

    /// What the owner sees of everything by id, to notice a change.
    func seenByOwner() async throws -> [String: JSONValue?] {
        var seen: [String: JSONValue?] = [:]
        for route in table.all(["portal"])
        where route.method == "GET" && !route.placeholders.isEmpty
            && !TenancyBodies.moving.contains("\(route)")
        {
            seen["\(route)"] = try await call(route, nouns.ids, as: owner.server)?
                .expecting(200).document
        }
        for path in [
            "/v1/portal/keys", "/v1/portal/webhooks", "/v1/portal/webhook-sources",
            "/v1/portal/suppressions",
        ] {
            seen[path] = try await owner.server.send(.get, path).document
        }
        return seen
    }

    private func call(
        _ route: RouteTable.Route, _ ids: [String: String], as caller: Caller
    ) async throws -> Answer? {
        guard let method = route.httpMethod,
            let path = route.path(with: { Nouns.value($0, in: route, of: ids) })
        else { return nil }
        var body: JSONValue?
        if ![.get, .delete].contains(method) { body = TenancyBodies.atPaths["\(route)"] ?? [:] }
        return try await caller.send(method, path, body, key: "walk-\(path)")
    }

    private func expectSame(
        _ foreign: Answer, _ nobodys: Answer, _ refusals: Set<Int> = [403, 404]
    ) {
        #expect(refusals.contains(foreign.status) && foreign.isProblemDocument, "\(foreign)")
        #expect(foreign.status == nobodys.status, "\(foreign) and \(nobodys)")
        #expect(
            foreign.code == nobodys.code && foreign["detail"] == nobodys["detail"],
            "\(foreign) and \(nobodys)")
    }
}
