import Contracts
import Kernel
import PostgresKit
import TestKit
import Testing

/// Waits until everything that was begun has ended: nothing waits in an outbox, every subscriber
/// has read the whole log, and no run, mail or webhook is under way.
struct Drain: Sendable {
    let deployment: Deployment

    /// Throws with what still is under way when that takes longer than the limit.
    func wait(within limit: Duration) async throws {
        var last: [String] = []
        do {
            try await eventually("everything has come to rest", within: limit) {
                let heads = try await self.heads()
                last = try await unfinished(heads)
                // Twice, because the databases are not read at one moment.
                guard last.isEmpty else { return false }
                last = try await unfinished(heads)
                let after = try await self.heads()
                return last.isEmpty && heads == after
            }
        } catch let error as NotInTime {
            throw ProcessError("\(error)\nStill under way: \(last)")
        }
    }

    private func heads() async throws -> [Int32: Int] {
        let rows = try await deployment.databases[.event].query(
            "select shard, head from log_shard")
        var heads: [Int32: Int] = [:]
        for row in rows { heads[try row.get("shard")] = try row.get("head") }
        return heads
    }

    private func unfinished(_ heads: [Int32: Int]) async throws -> [String] {
        var found: [String] = []
        for service in DeliveryRules.senders {
            let waiting: Int = try await count(
                service, "select count(*) as number from messaging_outbox")
            if waiting > 0 { found.append("\(waiting) messages in \(service)'s outbox") }
            let rows = try await deployment.databases[service].query(
                "select subscriber, shard, position from messaging_cursor")
            for row in rows {
                let shard: Int32 = try row.get("shard")
                let position: Int = try row.get("position")
                if let head = heads[shard], position != head {
                    let subscriber: String = try row.get("subscriber")
                    found.append("\(subscriber) is at \(shard):\(position) of \(head)")
                }
            }
        }
        let runs = try await count(
            .workflow,
            """
            select (select count(*) from durable_ready) + (select count(*) from durable_active)
                + (select count(*) from durable_timer) as number
            """)
        if runs > 0 { found.append("\(runs) runs") }
        let mails = try await count(
            .notification,
            "select count(*) as number from notification where status in ('queued', 'sending')")
        if mails > 0 { found.append("\(mails) mails") }
        let webhooks = try await undeliveredWebhooks()
        if webhooks > 0 { found.append("\(webhooks) webhooks") }
        return found
    }

    /// Webhooks that are not noted as delivered yet, nor given up.
    func undeliveredWebhooks() async throws -> Int {
        try await count(
            .notification,
            """
            select count(*) as number from webhook_delivery where status in ('pending', 'sending')
            """)
    }

    private func count(_ service: ServiceName, _ question: SQL) async throws -> Int {
        try await deployment.databases[service].queryOne(question)?.get("number") ?? 0
    }
}
