import Contracts
import DurableKit
import Kernel
import MessagingKit
import Synchronization

/// Wakes the engine the moment a subscriber's commit has made new runs visible.
///
/// A wake-up that is missed costs milliseconds: the engine looks by itself too.
final class EngineWaker: Sendable {
    private let engine: WorkflowEngine
    /// Per shard, the position whose commit makes runs visible.
    private let expected = Mutex<[Int: Int]>([:])

    init(engine: WorkflowEngine) {
        self.engine = engine
    }

    /// Runs were started in a transaction that will pass this position.
    func expect(_ position: LogPosition) {
        expected.withLock { expected in
            expected[position.shard] = max(expected[position.shard] ?? 0, position.position)
        }
    }

    /// Follows the cursor until the task is cancelled.
    func run(_ progress: SubscriberProgress) async {
        while !Task.isCancelled {
            let seen = progress.moved.raises
            let isDue = expected.withLock { expected in
                let due = expected.filter { shard, position in
                    (progress.position(shard: shard) ?? 0) >= position
                }
                for shard in due.keys { expected[shard] = nil }
                return !due.isEmpty
            }
            if isDue { engine.wake() }
            await progress.moved.wait(past: seen, within: .seconds(5))
        }
    }
}
