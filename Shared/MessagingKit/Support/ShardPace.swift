import Contracts
import Kernel

/// When the reader of a shard asks the log again. One reader, one pace.
package struct ShardPace: Sendable {
    /// How long to pause at least between two questions that brought nothing, without Redis.
    private static let quietPause = Duration.milliseconds(20)
    /// How long a reader sleeps that has told the log where it stands. All heads together are
    /// asked for every `pollInterval` (`WakeUps`).
    private static let quietLimit = Duration.seconds(10)

    /// A page that went over so many positions means load.
    private static let loadPositions = 50

    let signal: ShardSignal
    private let wakeUps: WakeUps
    private let pollInterval: Duration
    private let gatherInterval: Duration
    private let loadGatherInterval: Duration
    private var heard: ShardSignal.Heard
    private var start = 0

    init(
        shard: Int, wakeUps: WakeUps, pollInterval: Duration, gatherInterval: Duration,
        loadGatherInterval: Duration
    ) {
        signal = wakeUps.signal(of: shard)
        self.wakeUps = wakeUps
        self.pollInterval = pollInterval
        self.gatherInterval = gatherInterval
        self.loadGatherInterval = loadGatherInterval
        heard = signal.heard
    }

    /// How long the log may hold its answer: without Redis, until something is there.
    package var hold: Duration { wakeUps.isConnected ? .zero : pollInterval }

    /// The reader asks for these events from now on: others need not wake it.
    func want(_ wanted: Wanted) {
        let isHeard = wanted.facets.isEmpty || wakeUps.hearsFacets
        signal.listen(to: isHeard ? wanted.types : nil)
    }

    /// The reader is about to ask what comes after `position`.
    package mutating func begin(at position: Int) {
        heard = signal.heard
        start = position
    }

    /// The reader has all that the log had and stands at `position`; returns when there may be
    /// more. At once as a rule; a reader that has just moved lets more come together first.
    package func rest(at position: Int) async {
        let began = ContinuousClock.now
        let hasMoved = position > start
        if !hasMoved { signal.disappoint(heard) }
        guard wakeUps.isConnected else {
            return await signal.wait(beyond: position, past: heard, within: Self.quietPause)
        }
        // Who has moved asks once more soon, which tells the log so.
        await signal.wait(
            beyond: position, past: heard,
            within: hasMoved ? pollInterval : max(pollInterval, Self.quietLimit))
        let rest = gatherInterval - began.duration(to: .now)
        if hasMoved, rest > .zero { try? await Task.sleep(for: rest) }
        if position - start >= Self.loadPositions {
            let longer = loadGatherInterval - began.duration(to: .now)
            await signal.waitUntilUrgent(past: heard, within: longer)
        }
    }
}
