import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit

/// The routes by which a client sends rejected events again, after a fix.
///
/// Which events a request takes is decided once per idempotency key; a repeat goes on with those
/// that were not finished and tells what became of each.
struct ReplayRejections: Sendable {
    private static let maximumEvents = 200
    private static let standardEvents = 100

    private struct Claim: Codable {
        let replayID: UUID
        let rejectionIDs: [RejectionID]
    }

    private struct Asked: Decodable {
        let code: String?
        let event: String?
        let front: EventFront?
        let keyID: APIKeyID?
        let sourceID: WebhookSourceID?
        let eventID: String?
        let from: Timestamp?
        let to: Timestamp?
        let text: String?
        let limit: Int?

        private enum CodingKeys: String, CodingKey {
            case code, event, front, from, to, text, limit
            case keyID = "key_id"
            case sourceID = "source_id"
            case eventID = "event_id"
        }
    }

    private struct Answer: Encodable {
        var accepted = 0
        var duplicate = 0
        var conflict = 0
        var rejected = 0
        let results: [RejectionAnswer]

        init(_ events: [RejectedEvent]) {
            results = events.map { RejectionAnswer($0) }
            for event in events {
                switch event.replay?.status {
                case .accepted: accepted += 1
                case .duplicate: duplicate += 1
                case .conflict: conflict += 1
                case .rejected: rejected += 1
                case nil: break
                }
            }
        }
    }

    let store: RejectedEventStore
    let replay: RejectionReplay
    let context: ServiceContext

    /// `POST /v1/portal/rejected-events/{rejection_id}/replay`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(ReadRejections.scope)
        let id = try ReadRejections.id(request)
        let replayID = context.world.ids.next()
        let key = try IdempotencyRequest(required: request, clientID: principal.clientID)
        let claim = try await context.idempotency.perform(key, in: context.postgres) {
            transaction in
            let found = try await store.claim(
                id, of: principal.clientID, for: replayID, in: transaction)
            guard let found else { throw RejectionFailure.unknown }
            guard !found.isCut else { throw RejectionFailure.cut }
            guard found.replay?.status.isFinal != true else {
                throw RejectionFailure.alreadyReplayed
            }
            return try .json(Claim(replayID: replayID, rejectionIDs: [id]))
        }
        return try await finish(claim, request, principal)
    }

    /// `POST /v1/portal/rejected-events/replay {code, event, …, limit}`
    func some(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(ReadRejections.scope)
        let asked = try request.decode(Asked.self)
        let filter = try Self.filter(asked)
        let limit = asked.limit ?? Self.standardEvents
        guard (1...Self.maximumEvents).contains(limit) else {
            throw Problem.invalid([
                .init(
                    pointer: "/limit", code: "invalid_value",
                    detail: "Use 1 to \(Self.maximumEvents).")
            ])
        }
        let replayID = context.world.ids.next()
        let key = try IdempotencyRequest(required: request, clientID: principal.clientID)
        let claim = try await context.idempotency.perform(key, in: context.postgres) {
            transaction in
            let ids = try await store.claim(
                filter, of: principal.clientID, for: replayID, limit: limit, in: transaction)
            return try .json(Claim(replayID: replayID, rejectionIDs: ids))
        }
        return try await finish(claim, request, principal)
    }

    private func finish(
        _ answer: IdempotentAnswer, _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        let claim = try answer.stored.decode(Claim.self)
        let events = try await replay.run(
            claim.rejectionIDs, for: claim.replayID,
            RejectionReplay.Caller(
                clientID: principal.clientID, acceptsTests: principal.mode == .test,
                traceparent: request.context.trace.traceparent))
        request.context.logger.info(
            "rejected events sent again",
            [
                ("client_id", .text(principal.clientID.description)),
                ("actor", .text(principal.actor.text)), ("events", .integer(events.count)),
            ])
        var response = HTTPResponse.json(Answer(events))
        if answer.isReplay { response.headers.add("Idempotency-Replayed", "true") }
        return response
    }

    private static func filter(_ asked: Asked) throws(Problem) -> RejectionFilter {
        for (name, text) in [
            ("code", asked.code), ("event", asked.event), ("event_id", asked.eventID),
            ("text", asked.text),
        ] where !RejectionFilter.isSearchable(text) {
            throw RejectionFilter.unsearchable("/\(name)")
        }
        var filter = RejectionFilter()
        filter.code = asked.code
        filter.type = asked.event
        filter.front = asked.front
        filter.keyID = asked.keyID
        filter.sourceID = asked.sourceID
        filter.eventID = asked.eventID
        filter.from = asked.from
        filter.to = asked.to
        filter.text = asked.text
        return filter
    }
}
