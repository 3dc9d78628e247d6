/// Who listens to which pattern, and who has been told that the server confirmed it. A plain value.
struct SubscriptionTable {
    typealias Listener = AsyncStream<RedisSignal>.Continuation

    private struct Entry {
        let pattern: String
        let listener: Listener
        var knowsSubscribed = false
    }

    private var entries: [Int: Entry] = [:]
    private var byPattern: [String: Set<Int>] = [:]
    private var lastID = 0

    /// The patterns that the server should have.
    var patterns: Set<String> { Set(byPattern.keys) }

    mutating func add(_ pattern: String, _ listener: Listener) -> Int {
        lastID += 1
        entries[lastID] = Entry(pattern: pattern, listener: listener)
        byPattern[pattern, default: []].insert(lastID)
        return lastID
    }

    mutating func remove(_ id: Int) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        byPattern[entry.pattern]?.remove(id)
        if byPattern[entry.pattern]?.isEmpty == true { byPattern[entry.pattern] = nil }
    }

    mutating func removeAll() -> [Listener] {
        let listeners = entries.values.map(\.listener)
        entries = [:]
        byPattern = [:]
        return listeners
    }

    func listeners(of pattern: String) -> [Listener] {
        (byPattern[pattern] ?? []).compactMap { entries[$0]?.listener }
    }

    /// The server confirmed `pattern`: whom to tell, which is everyone, also who knew already.
    mutating func confirm(_ pattern: String) -> [Listener] {
        for id in byPattern[pattern] ?? [] { entries[id]?.knowsSubscribed = true }
        return listeners(of: pattern)
    }

    /// Listeners that joined patterns which were confirmed before.
    mutating func latecomers(to confirmed: Set<String>) -> [Listener] {
        let late = entries.filter { !$1.knowsSubscribed && confirmed.contains($1.pattern) }
        for id in late.keys { entries[id]?.knowsSubscribed = true }
        return late.values.map(\.listener)
    }

    /// The connection broke: whom to tell, which is who believed to be subscribed.
    mutating func disconnect() -> [Listener] {
        let told = entries.filter { $1.knowsSubscribed }
        for id in told.keys { entries[id]?.knowsSubscribed = false }
        return told.values.map(\.listener)
    }
}
