import Contracts
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// The routes of templates.
struct ManageTemplates: Sendable {
    private struct NewTemplate: Decodable {
        let key: String
        let subject: String
        let text: String
        let html: String?

        var content: TemplateContent { TemplateContent(subject: subject, text: text, html: html) }
    }

    private struct Publication: Decodable { let version: Int }

    let store: TemplateStore
    let published: PublishedTemplates
    let context: ServiceContext

    // MARK: - Reading

    /// `GET /v1/portal/templates`, by key, the built-in ones too
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let page = try request.query.page()
        let rows = try await store.list(
            of: principal.clientID, after: page.cursor, limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.key })
    }

    /// `GET /v1/portal/templates/{template_key}`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let key = try Self.key(request)
        if let summary = try await store.find(key, of: principal.clientID) {
            return .json(summary)
        }
        guard BuiltInTemplates.keys.contains(key) else {
            throw NotificationFailure.templateUnknown
        }
        return .json(
            TemplateSummary(key: key, latestVersion: nil, publishedVersion: nil, updatedAt: nil))
    }

    /// `GET /v1/portal/templates/{template_key}/versions`, newest first
    func versions(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let key = try Self.key(request)
        let page = try request.query.page()
        let before = try page.cursor.map { text throws(Problem) in
            guard let number = Int32(text) else { throw .invalidCursor }
            return Int(number)
        }
        let rows = try await store.versions(
            key, of: principal.clientID, before: before, limit: page.limit)
        guard !rows.isEmpty || before != nil else { throw NotificationFailure.templateUnknown }
        return .json(Page(rows: rows, limit: page.limit) { String($0.version) })
    }

    /// `GET /v1/portal/templates/{template_key}/versions/{version}`; 0 is the built-in one
    func version(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let key = try Self.key(request)
        guard let number = request.pathParameters["version"].flatMap({ Int32($0) }) else {
            throw NotificationFailure.versionUnknown
        }
        return .json(try await version(Int(number), key, of: principal.clientID))
    }

    // MARK: - Writing

    /// `POST /v1/portal/templates {key, subject, text, html}`: version 1, not yet in force
    func create(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let new = try request.decode(NewTemplate.self)
        guard TemplateKey.isValid(new.key) else {
            throw Problem.invalid([
                .init(
                    pointer: "/key", code: "invalid_value",
                    detail: "Use 1 to 50 of a-z, 0-9 and _.")
            ])
        }
        try Self.check(new.content)
        return try await perform(request, principal, status: 201) { transaction, now in
            try await store.create(
                new.key, new.content, of: principal.clientID, author: principal.actor.text,
                at: now, in: transaction)
        }
    }

    /// `POST /v1/portal/templates/{template_key}/versions {subject, text, html}`
    func addVersion(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let key = try Self.key(request)
        let content = try request.decode(TemplateContent.self)
        try Self.check(content)
        return try await perform(request, principal, status: 201) { transaction, now in
            try await store.addVersion(
                key, content, of: principal.clientID, author: principal.actor.text, at: now,
                in: transaction)
        }
    }

    /// `POST /v1/portal/templates/{template_key}/publish {version}`; an older one goes back
    func publish(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let key = try Self.key(request)
        let version = try request.decode(Publication.self).version
        return try await perform(request, principal, status: 200) { transaction, now in
            transaction.afterCommit { [published] in
                published.forget(key, of: principal.clientID)
            }
            return try await store.publish(
                version, key, of: principal.clientID, actor: principal.actor.text, at: now,
                in: transaction)
        }
    }

    private func perform(
        _ request: HTTPRequest, _ principal: PortalPrincipal, status: Int,
        _ change: (Transaction, Timestamp) async throws -> some Encodable
    ) async throws -> HTTPResponse {
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let now = context.world.clock.now()
        return try await context.idempotency.perform(key, in: context.postgres) { transaction in
            try .json(try await change(transaction, now), status: status)
        }.response
    }

    // MARK: - Preview

    private struct Question: Decodable {
        /// Nil for the one in force.
        let version: Int?
        /// Instead of a version: texts that are not stored yet.
        let content: TemplateContent?
        let variables: JSONValue
    }

    /// `POST /v1/portal/templates/{template_key}/preview {version | content, variables}`
    func preview(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.templates)
        let key = try Self.key(request)
        let question = try request.decode(Question.self)
        guard case .object = question.variables else {
            throw Problem.invalid([
                .init(pointer: "/variables", code: "wrong_type", detail: "Send an object.")
            ])
        }
        var content = question.content
        if let content {
            try Self.check(content)
        } else {
            var number = question.version
            if number == nil {
                number = try await store.publishedVersion(key, of: principal.clientID)
            }
            content = try await version(number ?? 0, key, of: principal.clientID).content
        }
        guard let content else { throw NotificationFailure.templateUnknown }
        let template = try CompiledTemplate(content)
        do throws(RenderFailure) {
            return .json(try template.render(question.variables))
        } catch { throw NotificationFailure.cannotRender(error) }
    }

    private func version(
        _ number: Int, _ key: String, of client: ClientID
    ) async throws -> TemplateVersion {
        if number == 0, let content = BuiltInTemplates.content(key) {
            return TemplateVersion(
                key: key, version: 0, content: content, author: "grapevine",
                createdAt: Timestamp(microseconds: 0))
        }
        guard let found = try await store.version(number, key, of: client) else {
            throw NotificationFailure.versionUnknown
        }
        return found
    }

    private static func check(_ content: TemplateContent) throws(Problem) {
        let faults = CompiledTemplate.faults(of: content)
        guard faults.isEmpty else { throw .invalid(faults.map(\.fieldError)) }
    }

    private static func key(_ request: HTTPRequest) throws -> String {
        guard let key = request.pathParameters["template_key"], TemplateKey.isValid(key) else {
            throw NotificationFailure.templateUnknown
        }
        return key
    }
}
