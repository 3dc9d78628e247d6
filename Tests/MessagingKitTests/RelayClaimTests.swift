import Contracts
import Kernel
import MessagingKit
import PostgresKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct RelayClaimTests {
    @Test func `the claim of a relay that died ends by itself`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            try await stage.publish(1...1, by: outbox, client: client)
            try await stage.postgres.execute(
                """
                insert into messaging_relay_claim (client_id, token, expires_at)
                values (\(client), gen_random_uuid(), now() + interval '1 second')
                """)
            try await stage.running(outbox.run) {
                try await eventually { stage.log.numbers(of: client) == [1] }
            }
        }
    }

    @Test func `relaying before the answer does not wait long for a relay that was killed`()
        async throws
    {
        try await Stage.with { stage in
            let process = stage.process()
            let (killed, living) = (stage.outbox(on: process), stage.outbox())
            let client = stage.client()
            try await stage.publish(1...3, by: killed, client: client)
            stage.log.hold(appends: 1)
            let dying = Task { try? await killed.relay(["message-3"], within: .seconds(60)) }
            try await eventually { stage.log.appendCalls == 1 }
            // From here on the process can neither renew its claim nor end it.
            await process.shutdown()
            try await living.relay(["message-3"], within: .seconds(5))
            #expect(stage.log.numbers(of: client) == [1, 2, 3])
            // What the dead one had under way arrives after all.
            stage.log.release()
            try await eventually { stage.log.appendsDone == 2 }
            #expect(stage.log.numbers(of: client) == [1, 2, 3])
            dying.cancel()
            await dying.value
        }
    }

    @Test func `a relay whose log is slow keeps its claim`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            try await stage.publish(1...3, by: outbox, client: client)
            stage.log.hold(appends: 1)
            try await stage.running(outbox.run) {
                try await eventually { stage.log.appendCalls == 1 }
                let first = try await stage.claimExpiry()
                try await eventually { try await stage.claimExpiry() > first + .seconds(2) }
                #expect(stage.log.appendCalls == 1)
                stage.log.release()
                try await eventually { stage.log.numbers(of: client) == [1, 2, 3] }
            }
            #expect(stage.log.appendCalls == 1)
        }
    }
}
