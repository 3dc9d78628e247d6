import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// A message to a person as the portal shows it.
struct NotificationAnswer: Encodable, Sendable {
    let record: NotificationRecord
    /// Nil in lists, which show no content either.
    let attempts: [AttemptRecord]?

    private enum CodingKeys: String, CodingKey {
        case channel, template, status, reason, subject, text, html, attempts, address
        case notificationID = "notification_id"
        case campaignID = "campaign_id"
        case runID = "run_id"
        case participantID = "participant_id"
        case templateVersion = "template_version"
        case attemptCount = "attempt_count"
        case unknownAttempts = "unknown_attempts"
        case createdAt = "created_at"
        case finishedAt = "finished_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(record.id, forKey: .notificationID)
        try container.encodeIfPresent(record.campaignID, forKey: .campaignID)
        try container.encodeIfPresent(record.runID, forKey: .runID)
        try container.encode(record.participantID, forKey: .participantID)
        try container.encode(record.channel, forKey: .channel)
        try container.encode(record.template, forKey: .template)
        try container.encodeIfPresent(record.templateVersion, forKey: .templateVersion)
        try container.encode(record.status, forKey: .status)
        try container.encodeIfPresent(record.reason, forKey: .reason)
        try container.encodeIfPresent(record.content?.subject, forKey: .subject)
        try container.encode(record.attempts, forKey: .attemptCount)
        try container.encode(record.unknownAttempts, forKey: .unknownAttempts)
        try container.encode(record.createdAt, forKey: .createdAt)
        try container.encodeIfPresent(record.finishedAt, forKey: .finishedAt)
        guard let attempts else { return }
        try container.encodeIfPresent(record.address, forKey: .address)
        try container.encodeIfPresent(record.content?.text, forKey: .text)
        try container.encodeIfPresent(record.content?.html, forKey: .html)
        try container.encode(attempts, forKey: .attempts)
    }
}

/// The routes that show messages to people.
struct ReadNotifications: Sendable {
    let store: NotificationStore

    /// `GET /v1/portal/notifications?participant_id=&campaign_id=&status=`, newest first
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.notifications)
        let page = try request.query.page()
        let filter = NotificationFilter(
            participantID: try request.query.id("participant_id"),
            campaignID: try request.query.id("campaign_id"),
            status: try request.query.choice("status"))
        let rows = try await store.list(
            filter, after: try request.query.cursor(), limit: page.limit + 1,
            of: principal.clientID
        ).map { NotificationAnswer(record: $0, attempts: nil) }
        return .json(
            Page(rows: rows, limit: page.limit) { $0.record.id.description })
    }

    /// `GET /v1/portal/notifications/{notification_id}`, with content and attempts
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.notifications)
        guard let id = request.pathParameters["notification_id"].flatMap({ NotificationID($0) }),
            let found = try await store.find(id, of: principal.clientID)
        else { throw NotificationFailure.notificationUnknown }
        return .json(NotificationAnswer(record: found.record, attempts: found.attempts))
    }
}
