import Contracts
import Kernel
import PostgresKit
import TestKit
import Testing

/// One rule of DESIGN §8 as a question to a service's database: what it finds is wrong.
struct AuditRule: Sendable {
    /// What must be true, as words for the failure.
    let what: String
    let service: ServiceName
    /// Selects one text column `finding`; no rows when all is well.
    let question: SQL

    init(_ what: String, in service: ServiceName, _ question: SQL) {
        self.what = what
        self.service = service
        self.question = question
    }
}

/// Checks that what must stay true under any fault (DESIGN §8) is true, from the rows themselves.
struct Audit: Sendable {
    let deployment: Deployment

    /// Waits until nothing is under way any more, then fails the test for everything that is wrong.
    func expectClean(
        _ acknowledged: Acknowledged, within limit: Duration = .seconds(90),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await Drain(deployment: deployment).wait(within: limit)
        let rules =
            LogRules.all(acknowledged) + DeliveryRules.all + RewardRules.all(acknowledged)
            + LedgerRules.all + RunRules.all(acknowledged) + ReferralRules.all(acknowledged)
            + NotificationRules.all(acknowledged)
        for rule in rules {
            let findings = try await findings(rule)
            #expect(
                findings.isEmpty, "\(rule.service): \(rule.what): \(findings)",
                sourceLocation: sourceLocation)
        }
        let mails = try await NotificationRules.findings(deployment)
        #expect(
            mails.isEmpty, "mails arrive once: \(mails.prefix(5))", sourceLocation: sourceLocation)
        try await expectWholeArchive(sourceLocation: sourceLocation)
        deployment.complaints.expectNone(sourceLocation: sourceLocation)
    }

    /// ClickHouse holds every event of the log once, with the body that the log has.
    private func expectWholeArchive(sourceLocation: SourceLocation) async throws {
        let service = try deployment[.analytics]
        do {
            try await Command.run(
                Repository.executable(ServiceName.analytics.executableName),
                ["verify-stream", "--whole"], environment: service.environment)
        } catch {
            Issue.record(
                "ClickHouse does not hold the log: \(error)", sourceLocation: sourceLocation)
        }
    }

    private func findings(_ rule: AuditRule) async throws -> [String] {
        try await deployment.databases[rule.service].query(
            "select finding::text from (\(rule.question)) as broken limit 5"
        ).map { try $0.get("finding") }
    }
}
