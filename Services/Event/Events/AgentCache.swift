import Synchronization

/// Remembers what user agents say, so that each is read once. Bounded: when it is full the older
/// half goes.
final class AgentCache: Sendable {
    private struct Generations {
        var young: [String: UserAgent] = [:]
        var old: [String: UserAgent] = [:]
    }

    private let reader: UserAgentReader
    private let capacity: Int
    private let generations = Mutex(Generations())

    /// - Parameter capacity: how many agents are remembered at most.
    init(reader: UserAgentReader = .installed, capacity: Int = 8192) {
        self.reader = reader
        self.capacity = capacity
    }

    func read(_ text: String) -> UserAgent {
        // Longer ones would make the bound on the number say little about the bytes.
        let text = String(decoding: text.utf8.prefix(UserAgentReader.maximumBytes), as: UTF8.self)
        let known = generations.withLock { $0.young[text] ?? $0.old[text] }
        if let known { return known }
        let agent = reader.read(text)
        generations.withLock { generations in
            if generations.young.count >= capacity / 2 {
                generations.old = generations.young
                generations.young = [:]
            }
            generations.young[text] = agent
        }
        return agent
    }

    /// How many are remembered.
    var count: Int { generations.withLock { $0.young.count + $0.old.count } }
}
