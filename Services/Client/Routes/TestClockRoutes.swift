import Contracts
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// The business clock of a client in test mode, for its members and servers.
struct TestClockRoutes: Sendable {
    /// The scope that a credential with scopes needs here.
    static let scope = "test_clock"

    let changes: ClientChanges
    let store: ClientStore
    let context: ServiceContext

    /// `GET /v1/portal/test-clock`
    func read(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        guard let client = try await store.find(principal.clientID) else {
            throw ClientFailure.clientNotFound
        }
        guard client.mode == .test else { throw ClientFailure.notInTestMode }
        return .json(TestClockState(client, at: context.world.clock.now()))
    }

    /// `POST /v1/portal/test-clock/advance`; answered once the log has the message.
    func advance(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let wanted = try request.decode(AdvanceRequest.self)
        guard wanted.problems.isEmpty else { throw Problem.invalid(wanted.problems) }
        let now = context.world.clock.now()
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        return try await changes.perform(key, awaited: \TestClockState.messageID) { transaction in
            let old = try await store.lock(principal.clientID, in: transaction)
            let client = try old.withClock(advancedBySeconds: wanted.seconds, at: now)
            try await store.update(client, in: transaction)
            let entry = AuditEntry(
                clientID: client.clientID, actor: principal.actor.text, action: .moveClock,
                target: client.clientID.description,
                detail: "\(client.businessClockOffsetMilliseconds) ms ahead", at: now)
            let message = try ClientMessages.of(client, type: ClientMessage.settingsChanged)
            return Change(noun: TestClockState(client, at: now), news: (message, entry))
        }.answer.response
    }
}

/// How far to move the clock.
private struct AdvanceRequest: Decodable {
    let seconds: Int64

    var problems: [Problem.FieldError] {
        let maximum = Client.maximumOffsetMilliseconds / 1000
        return (1...maximum).contains(seconds)
            ? []
            : [
                .init(
                    pointer: "/seconds", code: "out_of_range",
                    detail: "Use 1 to \(maximum) seconds; the clock moves forward only.")
            ]
    }
}

/// Where a client's clock stands.
private struct TestClockState: Codable, Sendable {
    let clientID: ClientID
    let version: Int
    let offsetMilliseconds: Int64
    /// The client's own time.
    let now: Timestamp

    private enum CodingKeys: String, CodingKey {
        case version, now
        case clientID = "client_id"
        case offsetMilliseconds = "offset_milliseconds"
    }

    init(_ client: Client, at now: Timestamp) {
        clientID = client.clientID
        version = client.version
        offsetMilliseconds = client.businessClockOffsetMilliseconds
        self.now = client.businessTime(at: now)
    }

    /// As `Client.messageID`.
    var messageID: String { "\(clientID)/\(version)" }
}
