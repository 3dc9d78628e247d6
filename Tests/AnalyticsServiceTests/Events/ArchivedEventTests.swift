import Contracts
import HTTPKit
import Kernel
import MessagingKit
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

@Suite(.timeLimit(.minutes(2))) struct ArchivedEventTests {
    @Test func `whether an event of the log is in the archive is told to other services`()
        async throws
    {
        try await AnalyticsHarness.run { harness in
            harness.appendEvents(20)
            try await harness.withService { service in
                try await harness.settle()
                let find = FindArchivedEvent(
                    events: EventListStore(client: service.service.clickHouse))
                let log = service.context.log
                let events = try await log.feed(
                    FeedRequest(subscriber: nil, shard: 0, after: 0)
                ).events
                #expect(!events.isEmpty)
                for event in events {
                    func ask(_ type: String, _ position: LogPosition) async throws -> Bool {
                        try await find.respond(
                            ArchivedEventRequest(
                                clientID: event.clientID, campaignID: event.campaignID,
                                type: type, occurredAt: event.occurredAt, position: position)
                        ).isStored
                    }
                    #expect(try await ask(event.type, event.position))
                    #expect(try await !ask("another", event.position))
                    let later = LogPosition(shard: 0, position: 1_000_000)
                    #expect(try await !ask(event.type, later))
                }
            }
        }
    }
}
