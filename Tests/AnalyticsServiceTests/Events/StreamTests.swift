import ClickHouseKit
import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

/// Each event of the log is in ClickHouse once.
@Suite(.timeLimit(.minutes(5))) struct StreamTests {
    @Test func `every event arrives once, whatever is in it`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(2000)
            try await harness.withService { service in
                try await harness.settle()
                harness.appendEvents(300)
                try await harness.settle()
                let report = try await service.service.audit.run()
                #expect(report.events == 2300)
                #expect(report.isClean && report.unmerged == 0 && report.waiting == 0, "\(report)")
                #expect(try await harness.number("SELECT count() AS n FROM events") == 2300)
                let text = try await harness.archive.query(
                    "SELECT DISTINCT properties FROM events LIMIT 2")
                #expect(text.count == 1)
                #expect(
                    try text.first?.get("properties")
                        == #"{"number":1e400,"text":"it's \\ a 'test'\n\u0000"}"#)
            }
        }
    }

    @Test(arguments: AnalyticsCrashPoint.all)
    func `killed at any point, nothing is lost and nothing is there twice`(
        _ point: CrashPoint
    ) async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(1500)
            let victim = try harness.process(crashAt: point.description)
            let exit = try await victim.waitForExit(within: .seconds(60))
            #expect(exit == .signal(9), "\(victim.logTail())")
            harness.appendEvents(200)
            try await harness.withService { service in
                try await harness.settle()
                let report = try await service.service.audit.run()
                #expect(report.events == 1700)
                // Asked before the retry: not even rows that would be merged away.
                #expect(report.isClean && report.unmerged == 0, "\(report)")
                #expect(try await harness.number("SELECT count() AS n FROM events") == 1700)
                let views = try await harness.number(
                    """
                    SELECT uniqExactMerge(events) AS n FROM campaign_hourly_stats
                    WHERE client_id = \(harness.log.tenant.clientID)
                    """
                )
                #expect(views == harness.log.heads[0])
            }
        }
    }

    @Test func `a batch keeps its id and its bounds through a crash`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(600)
            let victim = try harness.process(
                crashAt: AnalyticsCrashPoint.cutAfterCommit.description)
            try await victim.waitForExit(within: .seconds(60))
            let cut = try await harness.batches()
            #expect(!cut.isEmpty)
            harness.appendEvents(600)
            try await harness.withService { _ in try await harness.settle() }
            let all = try await harness.batches()
            for batch in cut { #expect(all.contains(batch)) }
        }
    }

    @Test func `ClickHouse is away in the middle and comes back`() async throws {
        try await withPrivateServer(.clickhouse) { server in
            try await AnalyticsHarness.run(clickHouse: TestClickHouse(url: server.url)) { harness in
                try await harness.withService { service in
                    harness.appendEvents(500)
                    try await harness.settle()
                    try await server.kill()
                    harness.appendEvents(1000)
                    let answer = try await harness.get("/dashboard", service)
                    #expect(answer.status == 503)
                    #expect(answer.headers["Retry-After"] != nil)
                    try await eventually("readiness says so, and stays up") {
                        let ready = try await harness.http.send(.init(url: service.url + "/readyz"))
                        let body = String(decoding: ready.body, as: UTF8.self)
                        return ready.status == 200 && body.contains("ClickHouse does not answer")
                    }
                    try await server.start()
                    harness.appendEvents(500)
                    try await harness.settle()
                    let report = try await service.service.audit.run()
                    #expect(report.events == 2000 && report.isClean, "\(report)")
                    #expect(try await harness.get("/dashboard", service).status == 200)
                }
            }
        }
    }

    @Test func `a long outage of ClickHouse holds little in memory and nothing up`() async throws {
        try await withPrivateServer(.clickhouse) { server in
            try await AnalyticsHarness.run(clickHouse: TestClickHouse(url: server.url)) { harness in
                try await server.stop()
                let process = try harness.process()
                harness.appendEvents(500)
                try await eventually("a batch of each shard is cut") {
                    try await harness.batches().count == 2
                }
                let before = try memory(of: process)
                for _ in 0..<20 {
                    harness.appendEvents(2000)
                    try await Task.sleep(for: .milliseconds(50))
                }
                // What has come since waits in the log: one batch of each shard is on its way.
                #expect(try await harness.batches().count == 2)
                #expect(harness.log.acknowledged == [0, 0])
                #expect(try memory(of: process) < before + 16 << 10)
                try await server.start()
                try await harness.settle(within: .seconds(90))
                let row = try await harness.archive.query(
                    "SELECT uniqExact(shard, position) AS n FROM events")
                #expect(try row.first?.get("n", as: Int.self) == 40_500)
                try await process.stop()
            }
        }
    }

    /// Resident, in kilobytes.
    private func memory(of process: ManagedProcess) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
    }

    @Test func `stops and kills of ClickHouse under load lose nothing`() async throws {
        try await withPrivateServer(.clickhouse) { server in
            try await AnalyticsHarness.run(clickHouse: TestClickHouse(url: server.url)) { harness in
                try await harness.withService { service in
                    for round in 0..<6 {
                        harness.appendEvents(400)
                        if round % 2 == 0 {
                            try await server.kill()
                        } else {
                            try await server.stop()
                        }
                        harness.appendEvents(400)
                        try await server.start()
                    }
                    try await harness.settle(within: .seconds(90))
                    let report = try await service.service.audit.run()
                    #expect(report.events == 4800 && report.isClean, "\(report)")
                }
            }
        }
    }

    @Test func `two replicas share the shards and send nothing twice`() async throws {
        try await AnalyticsHarness.run { harness in
            try await harness.withService { first in
                try await harness.withService { _ in
                    try await eventually("both have a shard") {
                        let row = try await harness.postgres.queryOne(
                            """
                            select count(distinct owner) as owners from messaging_cursor
                            where lease_expires_at is not null
                            """)
                        return try row?.get("owners", as: Int.self) == 2
                    }
                    harness.appendEvents(1500)
                    try await harness.settle()
                }
                harness.appendEvents(500)
                try await harness.settle()
                let report = try await first.service.audit.run()
                #expect(report.events == 2000 && report.isClean, "\(report)")
            }
        }
    }

    @Test func `what is read ahead is not acknowledged to the log`() async throws {
        try await withPrivateServer(.clickhouse) { server in
            try await server.stop()
            try await AnalyticsHarness.run(clickHouse: TestClickHouse(url: server.url)) { harness in
                harness.appendEvents(3000)
                try await harness.withService { _ in
                    try await eventually("batches are cut") {
                        try await harness.batches().count == 2
                    }
                    #expect(harness.log.acknowledged == [0, 0])
                    try await server.start()
                    try await harness.settle()
                    try await eventually("the log was told") {
                        harness.log.acknowledged == harness.log.heads
                    }
                }
            }
        }
    }

    @Test func `an event that cannot be read is put aside and stops nothing`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(900)
            harness.log.spoil(LogPosition(shard: 0, position: 77))
            try await harness.withService { service in
                try await harness.settle()
                let report = try await service.service.audit.run()
                #expect(report.events == 899 && report.unreadable == 1, "\(report)")
                #expect(report.missing + report.different + report.unknown == 0, "\(report)")
                #expect(!report.isClean)
            }
            let letter = try await harness.postgres.queryOne(
                "select shard, position, subscriber from messaging_dead_letter")
            #expect(try letter?.get("position", as: Int.self) == 77)
            #expect(try letter?.get("subscriber", as: String.self) == "analytics")
        }
    }

    @Test func `the audit finds what is missing, changed and unknown`() async throws {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(100)
            try await harness.withService { service in
                try await harness.settle()
                try await harness.archive.execute(
                    "ALTER TABLE events DELETE WHERE position = 3 AND shard = 0")
                try await harness.archive.execute(
                    """
                    ALTER TABLE events UPDATE body_hash = \(UUID())
                    WHERE position = 5 AND shard = 0
                    """
                )
                try await eventually("the mutations are done") {
                    try await harness.number(
                        """
                        SELECT count() AS n FROM system.mutations
                        WHERE is_done = 0
                            AND database = \(harness.clickHouse.configuration.database)
                        """
                    ) == 0
                }
                let report = try await service.service.audit.run()
                #expect(report.missing == 1)
                #expect(report.different == 1)
                #expect(!report.isClean)
            }
        }
    }
}

extension AnalyticsHarness {
    struct Batch: Hashable {
        let id: UUID
        let shard: Int32
        let first: Int
        let last: Int
    }

    func batches() async throws -> Set<Batch> {
        var batches: Set<Batch> = []
        let rows = try await postgres.query(
            "select batch_id, shard, first_position, last_position from stream_batch")
        for row in rows {
            batches.insert(
                Batch(
                    id: try row.get("batch_id"), shard: try row.get("shard"),
                    first: try row.get("first_position"), last: try row.get("last_position")))
        }
        return batches
    }
}
