import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// The routes that create and change campaigns.
struct ChangeCampaign: Sendable {
    let changes: CampaignChanges
    let store: CampaignStore
    let context: ServiceContext

    /// `POST /v1/portal/campaigns`
    func create(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        let content = try Self.content(of: request)
        let now = context.world.clock.now()
        let id = context.world.ids.next(CampaignID.self)
        return try await changes.perform(
            request, principal, status: 201, message: { _ in nil },
            change: { transaction in
                try await store.create(
                    content.definition(id, of: principal.clientID, revision: 1, status: .draft),
                    author: principal.actor.text, at: now, in: transaction)
            })
    }

    /// `PUT /v1/portal/campaigns/{campaign_id}`; `If-Match: "<revision>"` guards against a change
    /// by
    /// somebody else in between.
    func revise(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        let id: CampaignID = try request.pathParameters.id("campaign_id")
        let content = try Self.content(of: request)
        let expected = try Self.expectedRevision(request)
        let now = context.world.clock.now()
        return try await changes.perform(
            request, principal,
            // A draft is nobody else's business yet.
            message: { $0.definition.status == .draft ? nil : CampaignMessage.updated },
            change: { transaction in
                try await store.revise(
                    id, of: principal.clientID, expected: expected, content: content,
                    author: principal.actor.text, at: now, in: transaction)
            })
    }

    /// `POST /v1/portal/campaigns/{campaign_id}/activate` and its like
    func move(
        _ request: HTTPRequest, _ principal: PortalPrincipal, _ action: CampaignAction
    ) async throws -> HTTPResponse {
        let id: CampaignID = try request.pathParameters.id("campaign_id")
        let now = context.world.clock.now()
        let businessNow = principal.businessClock(context.world).now()
        return try await changes.perform(
            request, principal, message: { _ in CampaignLifecycle.message(for: action) },
            change: { transaction in
                try await store.move(
                    id, of: principal.clientID, action, actor: principal.actor.text, at: now,
                    businessNow: businessNow, in: transaction)
            })
    }

    private static func content(of request: HTTPRequest) throws(Problem) -> CampaignContent {
        let content = try request.decode(CampaignContent.self)
        let problems = content.problems
        guard problems.isEmpty else { throw .invalid(problems) }
        return content
    }

    private static func expectedRevision(_ request: HTTPRequest) throws(Problem) -> Int? {
        guard let text = request.headers["If-Match"], text != "*" else { return nil }
        guard text.first == "\"", text.last == "\"", let revision = Int(text.dropFirst().dropLast())
        else {
            throw .badRequest(
                "invalid_if_match", "Use the ETag of the campaign, such as \"3\".",
                pointer: "If-Match")
        }
        return revision
    }
}
