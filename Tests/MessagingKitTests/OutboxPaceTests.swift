import Contracts
import Kernel
import MessagingKit
import PostgresKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct OutboxPaceTests {
    @Test func `a quiet outbox writes nothing and asks little`() async throws {
        try await Stage.with { stage in
            let telemetry = Telemetry()
            let outbox = stage.outbox(on: stage.process(telemetry))
            let client = stage.client()
            try await stage.running(outbox.run) {
                try await stage.publish(1...1, by: outbox, client: client)
                try await eventually { try await stage.count("messaging_outbox") == 0 }
                let calls = telemetry.databaseCalls
                // Ten messages, one by one: a claim and a record each, and no look in vain but
                // those of once a second.
                let began = ContinuousClock.now
                for number in 2...11 {
                    try await stage.publish(number...number, by: outbox, client: client)
                    try await eventually { try await stage.count("messaging_outbox") == 0 }
                }
                let seconds = Int(began.duration(to: .now).components.seconds)
                #expect(telemetry.databaseCalls - calls <= 10 * 2 + 5 + seconds * 2)
            }
            #expect(stage.log.numbers(of: client) == Array(1...11))
        }
    }

    @Test func `messages that come close together are sent together`() async throws {
        try await Stage.with { stage in
            let outbox = stage.outbox()
            let client = stage.client()
            try await stage.running(outbox.run) {
                for number in 1...200 {
                    try await stage.publish(number...number, by: outbox, client: client)
                }
                try await eventually { stage.log.events.count == 200 }
            }
            #expect(stage.log.numbers(of: client) == Array(1...200))
            #expect(stage.log.appendCalls < 150)
        }
    }

    @Test func `what another relay holds back is sent as soon as it lets go`() async throws {
        try await Stage.with { stage in
            let (loop, other) = (stage.outbox(), stage.outbox(on: stage.process()))
            let client = stage.client()
            try await stage.publish(1...1, by: other, client: client)
            stage.log.hold(appends: 1)
            let first = Task { try await other.relay(["message-1"], within: .seconds(30)) }
            try await eventually { stage.log.appendCalls == 1 }
            try await stage.running(loop.run) {
                try await stage.publish(2...2, by: loop, client: client)
                stage.log.release()
                try await eventually { stage.log.numbers(of: client) == [1, 2] }
            }
            try await first.value
        }
    }
}
