import ClickHouseKit
import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

@Suite(.timeLimit(.minutes(5))) struct ErasureTests {
    private func names(_ harness: AnalyticsHarness) async throws -> [String] {
        try await harness.archive.query(
            "SELECT event_id FROM events WHERE from_service = 0 ORDER BY event_id"
        ).map { row throws(ClickHouseError) in try row.get("event_id") }
    }

    @Test func `a person that is erased leaves the archive, and nobody else does`() async throws {
        try await AnalyticsHarness.run { harness in
            let log = harness.log
            let (anna, bert) = (ParticipantID(UUID()), ParticipantID(UUID()))
            func append(
                _ id: String, _ person: ParticipantID?, _ visitor: String?,
                of tenant: StandInLog.Tenant? = nil
            ) {
                log.append(
                    "page_viewed", id: id, of: tenant,
                    participant: LogParticipant(
                        participantID: person, externalID: person.map { "\($0)" },
                        anonymousID: visitor), trust: .browser)
            }
            append("a-visit", nil, "device-1")
            append("a-known", anna, "device-1")
            append("lent", bert, "device-1")
            append("other", bert, nil)
            append("stranger", nil, "device-2")
            append("foreign", anna, "device-1", of: log.other)
            try await harness.withService { service in
                try await harness.settle()
                #expect(try await names(harness).count == 6)
                let order = ParticipantErased(participantID: anna, anonymousIDs: ["device-1"])
                let data = try JSONCoding.parse(try JSONCoding.encode(order))
                // Anyone can send a name; only the platform's own word counts.
                log.append(ParticipantErased.type, id: "forged", trust: .server, properties: data)
                try await harness.settle()
                #expect(try await names(harness).count == 7)
                log.append(ParticipantErased.type, id: "order", properties: data)
                try await harness.settle()
                try await eventually("they are gone", within: .seconds(30)) {
                    let left = try await names(harness)
                    return left == ["foreign", "forged", "lent", "other", "stranger"]
                }
                let people = try await harness.number(
                    "SELECT count() AS n FROM participant_names WHERE participant_id = \(anna)")
                // The other client's person has the same id here, which never happens by chance.
                #expect(people == 1)
            }
        }
    }

    @Test func `what was blanked in the log is not brought over, and not missed`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(20)
            harness.log.append(EventType.erased, id: "erased-0-21", trust: .browser)
            harness.appendEvents(5)
            try await harness.withService { service in
                try await harness.settle()
                #expect(try await harness.number("SELECT count() AS n FROM events") == 25)
                let report = try await service.service.audit.run()
                #expect(report.isClean && report.events == 25, "\(report)")
            }
        }
    }
}
