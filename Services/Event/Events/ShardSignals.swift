import Synchronization

/// Wakes readers that wait for a shard of the log in this process.
final class ShardSignals: Sendable {
    private struct Shard {
        var count = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let shards: Mutex<[Shard]>

    init(shards: Int) {
        self.shards = Mutex(Array(repeating: Shard(), count: shards))
    }

    /// How often the shard was signalled so far.
    func ticket(of shard: Int) -> Int { shards.withLock { $0[shard].count } }

    /// Tells every waiting reader that something was committed.
    func signal(_ shard: Int) {
        let waiting = shards.withLock { shards in
            shards[shard].count += 1
            defer { shards[shard].waiting = [:] }
            return shards[shard].waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }

    /// Returns at the first signal after `ticket`, after `limit`, or when the task is cancelled.
    func wait(for shard: Int, beyond ticket: Int, within limit: Duration) async {
        let waiter = shards.withLock { shards in
            defer { shards[shard].nextWaiter += 1 }
            return shards[shard].nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = shards.withLock { shards in
                    if shards[shard].count != ticket || Task.isCancelled { return true }
                    shards[shard].waiting[waiter] = continuation
                    return false
                }
                if isOver { return continuation.resume() }
                // Begun only now, so that it cannot be over before there is something to release;
                // left to itself after a signal, when it finds nothing.
                Task {
                    try? await Task.sleep(for: limit)
                    release(waiter, of: shard)
                }
            }
        } onCancel: {
            release(waiter, of: shard)
        }
    }

    private func release(_ waiter: Int, of shard: Int) {
        shards.withLock { $0[shard].waiting.removeValue(forKey: waiter) }?.resume()
    }
}
