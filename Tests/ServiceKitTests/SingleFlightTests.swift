import Kernel
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1))) struct SingleFlightTests {
    private func enterMany(
        _ flights: SingleFlight<String, Int>, _ count: Int, within limit: Duration
    ) -> Task<[SingleFlight<String, Int>.Turn], Never> {
        Task {
            await withTaskGroup(of: SingleFlight<String, Int>.Turn.self) { group in
                for _ in 0..<count { group.addTask { await flights.enter("a", within: limit) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
    }

    @Test func `all who wait get the leader's result`() async {
        let flights = SingleFlight<String, Int>()
        guard case .lead = await flights.enter("a", within: .seconds(1)) else {
            Issue.record("The first leads.")
            return
        }
        let others = enterMany(flights, 50, within: .seconds(30))
        while flights.waitingCount < 50 { await Task.yield() }
        flights.finish("a", with: 7)
        for turn in await others.value {
            guard case .followed(7) = turn else {
                Issue.record("Expected to follow, got \(turn).")
                return
            }
        }
    }

    @Test func `when the leader fails exactly one of those who wait leads`() async {
        let flights = SingleFlight<String, Int>()
        _ = await flights.enter("a", within: .seconds(1))
        let leaders = Metrics().counter("leaders", help: "")
        let others = Task {
            await withDiscardingTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask {
                        guard case .lead = await flights.enter("a", within: .seconds(30)) else {
                            return
                        }
                        leaders.increment()
                        flights.finish("a", with: 1)
                    }
                }
            }
        }
        while flights.waitingCount < 20 { await Task.yield() }
        flights.finish("a", with: nil)
        await others.value
        #expect(leaders.value == 1)
    }

    @Test func `who waits too long or is cancelled gives up, and the flight goes on`() async {
        let flights = SingleFlight<String, Int>()
        _ = await flights.enter("a", within: .seconds(1))
        guard case .gaveUp = await flights.enter("a", within: .milliseconds(10)) else {
            Issue.record("Expected to give up.")
            return
        }
        let cancelled = Task { await flights.enter("a", within: .seconds(30)) }
        while flights.waitingCount < 1 { await Task.yield() }
        cancelled.cancel()
        guard case .gaveUp = await cancelled.value else {
            Issue.record("Expected to give up.")
            return
        }
        #expect(flights.waitingCount == 0)
        flights.finish("a", with: nil)
        guard case .lead = await flights.enter("a", within: .seconds(1)) else {
            Issue.record("Nobody is left, so this one leads.")
            return
        }
    }
}
