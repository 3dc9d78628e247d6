import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import ClientService

@Suite(.timeLimit(.minutes(2))) struct ClientInputTests {
    private typealias Case = (path: String, body: String, status: Int, pointer: String?)

    private static let clients = "/v1/admin/clients"

    private static let ofNewClients: [Case] = [
        (clients, "{", 400, nil), (clients, "[]", 400, ""),
        (clients, "{}", 400, "/name"), (clients, #"{"name":7}"#, 400, "/name"),
        (clients, #"{"name":""}"#, 400, "/name"),
        (clients, #"{"name":"  "}"#, 400, "/name"),
        (clients, #"{"name":"a\u0000b"}"#, 400, "/name"),
        (clients, #"{"name":"a\nb"}"#, 400, "/name"),
        (clients, #"{"name":"\#(String(repeating: "a", count: 201))"}"#, 400, "/name"),
        (clients, #"{"name":"a","mode":"beta"}"#, 400, "/mode"),
        (clients, #"{"name":"a","colour":"red"}"#, 400, "/colour"),
        (clients, #"{"name":"a","name":"b"}"#, 400, "/name"),
    ]

    private static func ofClients(_ id: ClientID) -> [Case] {
        [
            ("\(clients)/\(id)/status", #"{"status":"gone","reason":"r"}"#, 400, "/status"),
            ("\(clients)/\(id)/status", #"{"status":"closed"}"#, 400, "/reason"),
            ("\(clients)/\(id)/status", #"{"status":"closed","reason":""}"#, 400, "/reason"),
            (
                "\(clients)/\(id)/clock", #"{"offset_milliseconds":-1}"#, 400,
                "/offset_milliseconds"
            ),
            (
                "\(clients)/\(id)/clock", #"{"offset_milliseconds":1.5}"#, 400,
                "/offset_milliseconds"
            ),
            (
                "\(clients)/\(id)/clock", #"{"offset_milliseconds":9e18}"#, 400,
                "/offset_milliseconds"
            ),
        ]
    }

    private static func ofKeys(_ id: ClientID) -> [Case] {
        [
            ("\(clients)/\(id)/keys", #"{"kind":"root","name":"k"}"#, 400, "/kind"),
            ("\(clients)/\(id)/keys", #"{"kind":"secret"}"#, 400, "/name"),
            (
                "\(clients)/\(id)/keys",
                #"{"kind":"secret","name":"k","origins":["https://a.b"]}"#, 400, "/origins"
            ),
            (
                "\(clients)/\(id)/keys",
                #"{"kind":"publishable","name":"k","origins":["https://a.b","x"]}"#, 400,
                "/origins/1"
            ),
            (
                "\(clients)/\(id)/keys", #"{"kind":"secret","name":"k","scopes":["A b"]}"#, 400,
                "/scopes/0"
            ),
            ("\(clients)/\(ClientID(UUID()))/keys", #"{"kind":"secret","name":"k"}"#, 404, nil),
            (
                "\(clients)/\(ClientID(UUID()))/status", #"{"status":"closed","reason":"r"}"#,
                404, nil
            ),

        ]
    }

    @Test func `bad input is answered with what to change`() async throws {
        try await ClientHarness.run { harness in
            let (id, _) = try await harness.makeClient()
            let table = Self.ofNewClients + Self.ofClients(id) + Self.ofKeys(id)
            let token = try StaffTokenCommand.token(
                ["--subject", "t"], secret: ClientHarness.staffSecret, clock: SystemClock())
            for (path, body, status, pointer) in table {
                let answer = try await harness.send(
                    .post, path, body: Array(body.utf8), credential: token)
                #expect(answer.status == status, "\(path) \(body)")
                #expect(answer.body["code"]?.string != nil, "\(path) \(body)")
                guard let pointer else { continue }
                #expect(
                    answer.body["errors"]?.array?.first?["pointer"]?.string == pointer,
                    "\(path) \(body)")
            }
            for query in ["?limit=0", "?limit=x", "?cursor=x", "?cursor=key_1"] {
                #expect(try await harness.staff(.get, "/clients" + query).status == 400, "\(query)")
            }
            for query in ["?cursor=0", "?cursor=x", "?client_id=7"] {
                #expect(try await harness.staff(.get, "/audit" + query).status == 400, "\(query)")
            }
        }
    }
}
