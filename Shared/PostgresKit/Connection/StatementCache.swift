/// Which statements a connection has prepared. A pure value: says what to send, sends nothing.
struct StatementCache {
    /// A prepared statement fits one text with one set of parameter types.
    struct Key: Hashable {
        let text: String
        let types: [UInt32]
    }

    enum Plan: Equatable {
        /// Prepared before under this name.
        case execute(String)
        /// Prepare under the name, then execute; free the other one, when there is one.
        case prepare(String, evicting: String?)
        /// Its preparation is on the way and may still fail, or the cache is off: send it whole.
        case unprepared
    }

    private struct Entry {
        let name: String
        var isReady: Bool
        var lastUse: Int
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var uses = 0
    private var names = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    mutating func plan(_ key: Key) -> Plan {
        uses += 1
        if let index = entries.index(forKey: key) {
            guard entries.values[index].isReady else { return .unprepared }
            entries.values[index].lastUse = uses
            return .execute(entries.values[index].name)
        }
        var evicted: String?
        if entries.count >= capacity {
            let oldest = entries.filter(\.value.isReady).min { $0.value.lastUse < $1.value.lastUse }
            guard let oldest else { return .unprepared }
            evicted = oldest.value.name
            entries[oldest.key] = nil
        }
        names += 1
        let name = "s\(names)"
        entries[key] = Entry(name: name, isReady: false, lastUse: uses)
        return .prepare(name, evicting: evicted)
    }

    /// The server has prepared it.
    mutating func confirm(_ key: Key) { entries[key]?.isReady = true }

    /// The server refused to prepare it, or its plan is out of date. Names are never used again.
    mutating func forget(_ key: Key) { entries[key] = nil }
}
