import Contracts
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import ClientService

/// Clients in test mode move their own business clock.
@Suite(.timeLimit(.minutes(2))) struct TestClockTests {
    @Test func `a test client moves its clock forward and everybody learns of it`() async throws {
        try await ClientHarness.run { harness in
            let client = try await harness.makeClient(mode: "test")
            let day: JSONValue = ["seconds": 86_400]
            let first = try await harness.portal(
                .post, "/test-clock/advance", day, as: client.secret)
            #expect(first.status == 200)
            #expect(first.body["offset_milliseconds"] == 86_400_000)
            let message = try #require(harness.log.messages.last)
            #expect(message.type == ClientMessage.settingsChanged)
            #expect(message.data["business_clock_offset_milliseconds"] == 86_400_000)
            let second = try await harness.portal(
                .post, "/test-clock/advance", day, as: client.secret, key: "k")
            #expect(second.body["offset_milliseconds"] == 172_800_000)
            let repeated = try await harness.portal(
                .post, "/test-clock/advance", day, as: client.secret, key: "k")
            #expect(repeated.body == second.body)
            let state = try await harness.portal(.get, "/test-clock", as: client.secret)
            #expect(state.body["offset_milliseconds"] == 172_800_000)
            let now = try #require(state.body["now"]?.string.flatMap { Timestamp($0) })
            #expect(now > SystemClock().now() + .seconds(172_000))
        }
    }

    @Test func `a clock goes neither back nor further than ten years, and live ones stand`()
        async throws
    {
        try await ClientHarness.run { harness in
            let client = try await harness.makeClient(mode: "test")
            let wrong: [JSONValue] = [
                0, -1, 315_360_001, 9_223_372_036_854_775_807, "5", "P1D", .null,
            ]
            for seconds in wrong {
                let answer = try await harness.portal(
                    .post, "/test-clock/advance", ["seconds": seconds], as: client.secret)
                #expect(answer.status == 400)
            }
            let decade: JSONValue = ["seconds": 315_360_000]
            let far = try await harness.portal(
                .post, "/test-clock/advance", decade, as: client.secret)
            #expect(far.status == 200)
            let further = try await harness.portal(
                .post, "/test-clock/advance", ["seconds": 1], as: client.secret)
            #expect(further.status == 409)
            #expect(further.body["code"] == "clock_too_far")
            let live = try await harness.makeClient()
            let refused = try await harness.portal(
                .post, "/test-clock/advance", ["seconds": 1], as: live.secret)
            #expect(refused.body["code"] == "not_in_test_mode")
            #expect(
                try await harness.portal(.get, "/test-clock", as: live.secret).status == 409)
        }
    }

    @Test func `without the log the clock moves and the answer says who does not know`()
        async throws
    {
        try await ClientHarness.run { harness in
            let client = try await harness.makeClient(mode: "test")
            harness.log.setAway(true)
            let answer = try await harness.portal(
                .post, "/test-clock/advance", ["seconds": 60], as: client.secret, key: "k")
            #expect(answer.status == 503)
            #expect(answer.body["code"] == "change_not_announced")
            harness.log.setAway(false)
            let repeated = try await harness.portal(
                .post, "/test-clock/advance", ["seconds": 60], as: client.secret, key: "k")
            #expect(repeated.status == 200)
            #expect(repeated.body["offset_milliseconds"] == 60_000)
        }
    }

    @Test func `a key with other scopes cannot move the clock`() async throws {
        try await ClientHarness.run { harness in
            let client = try await harness.makeClient(mode: "test")
            let key = try await harness.makeKey(of: client.id, scopes: ["keys"])
            let answer = try await harness.portal(
                .post, "/test-clock/advance", ["seconds": 60], as: key.secret)
            #expect(answer.status == 403)
        }
    }
}
