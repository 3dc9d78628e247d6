import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// A suppressed address as the portal shows it: only its hash is known.
struct SuppressionAnswer: Codable, Sendable {
    let suppressionID: String
    let reason: SuppressionReason
    let createdBy: String
    let createdAt: Timestamp

    init(_ record: SuppressionRecord) {
        suppressionID = Base64URL.encode(record.addressHash)
        reason = record.reason
        createdBy = record.createdBy
        createdAt = record.createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case reason
        case suppressionID = "suppression_id"
        case createdBy = "created_by"
        case createdAt = "created_at"
    }
}

/// The routes of the suppression list.
struct ManageSuppressions: Sendable {
    private struct NewSuppression: Decodable {
        let address: String
        let reason: SuppressionReason?
    }

    let store: SuppressionStore
    let secrets: NotificationSecrets
    let context: ServiceContext

    /// `GET /v1/portal/suppressions?address=`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.notifications)
        if let text = request.query["address"] {
            let hash = secrets.hash(
                try Self.address(text, pointer: "?address"), of: principal.clientID)
            let found = try await store.find(hash, of: principal.clientID)
            return .json(
                Page(data: found.map { [SuppressionAnswer($0)] } ?? [], nextCursor: nil))
        }
        let page = try request.query.page()
        let after = try page.cursor.map { text throws(Problem) in
            guard let hash = Self.hash(text) else { throw .invalidCursor }
            return hash
        }
        let rows = try await store.list(of: principal.clientID, after: after, limit: page.limit)
        return .json(
            Page(rows: rows.map { SuppressionAnswer($0) }, limit: page.limit) {
                $0.suppressionID
            })
    }

    /// `POST /v1/portal/suppressions {address, reason}`; an address that is there stays as it is
    func add(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.notifications)
        let new = try request.decode(NewSuppression.self)
        let address = try Self.address(new.address, pointer: "/address")
        let record = SuppressionRecord(
            addressHash: secrets.hash(address, of: principal.clientID),
            reason: new.reason ?? .manual, createdBy: principal.actor.text,
            createdAt: context.world.clock.now())
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        return try await context.idempotency.perform(key, in: context.postgres) { transaction in
            let stored = try await store.add(record, of: principal.clientID, with: transaction)
            return try .json(SuppressionAnswer(stored), status: 201)
        }.response
    }

    /// `DELETE /v1/portal/suppressions/{suppression_id}`
    func remove(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.notifications)
        guard let hash = request.pathParameters["suppression_id"].flatMap({ Self.hash($0) }),
            try await store.remove(hash, of: principal.clientID)
        else { throw NotificationFailure.suppressionUnknown }
        return .noContent
    }

    private static func hash(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 43, let hash = Base64URL.decode(text) else { return nil }
        return hash
    }

    private static func address(
        _ text: String, pointer: String
    ) throws(Problem) -> EmailAddress {
        guard let address = EmailAddress(text) else {
            throw .invalid([
                .init(
                    pointer: pointer, code: "invalid_value",
                    detail: "Send one e-mail address, such as name@shop.example.")
            ])
        }
        return address
    }
}
