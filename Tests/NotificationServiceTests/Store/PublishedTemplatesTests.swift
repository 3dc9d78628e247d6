import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit
import TestKit
import Testing

@testable import NotificationService

@Suite(.timeLimit(.minutes(1))) struct PublishedTemplatesTests {
    private func withStore(_ body: (TemplateStore, PostgresClient) async throws -> Void)
        async throws
    {
        try await TestPostgres.shared().withDatabase(NotificationMigrations.all) { database in
            let postgres = database.client()
            try await body(TemplateStore(postgres: postgres), postgres)
            await postgres.shutdown()
        }
    }

    private func publish(
        _ version: Int, of client: ClientID, _ store: TemplateStore, _ postgres: PostgresClient
    ) async throws {
        let now = SystemClock().now()
        try await postgres.withTransaction { transaction in
            let content = TemplateContent(subject: "Own", text: "Version \(version)", html: nil)
            if version == 1 {
                _ = try await store.create(
                    "welcome", content, of: client, author: "ada", at: now, in: transaction)
            } else {
                _ = try await store.addVersion(
                    "welcome", content, of: client, author: "ada", at: now, in: transaction)
            }
            _ = try await store.publish(
                version, "welcome", of: client, actor: "ada", at: now, in: transaction)
        }
    }

    @Test func `what another replica publishes is in force before long`() async throws {
        try await withStore { store, postgres in
            let client = ClientID(UUID())
            let templates = PublishedTemplates(store: store, maximumAge: .milliseconds(50))
            #expect(try await templates.find("welcome", of: client)?.version == 0)
            for version in 1...2 {
                try await publish(version, of: client, store, postgres)
                try await eventually("version \(version) is in force") {
                    try await templates.find("welcome", of: client)?.version == version
                }
            }
        }
    }

    @Test func `what this replica publishes is in force at once, and each client has its own`()
        async throws
    {
        try await withStore { store, postgres in
            let (client, other) = (ClientID(UUID()), ClientID(UUID()))
            let templates = PublishedTemplates(store: store, maximumAge: .seconds(3600))
            for version in 1...3 {
                try await publish(version, of: client, store, postgres)
                templates.forget("welcome", of: client)
                #expect(try await templates.find("welcome", of: client)?.version == version)
                #expect(try await templates.find("welcome", of: other)?.version == 0)
            }
        }
    }
}
