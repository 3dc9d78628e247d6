/// A line for each party, served in turn: one item of everybody who waits, then the next of each.
/// Who brings much waits for itself and not for others.
struct FairLine<Party: Hashable & Sendable, Item: Sendable>: Sendable {
    private var lines: [Party: [Item]] = [:]
    /// Who has something waiting, whose turn comes first first.
    private var turns: [Party] = []

    /// How many items wait in all lines.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ item: Item, of party: Party) {
        if lines[party] == nil { turns.append(party) }
        lines[party, default: []].append(item)
        count += 1
    }

    /// Takes items in turn for as long as they fit; at least one when there is one.
    ///
    /// - Parameter fits: is asked once for each item, in the order in which they are taken.
    mutating func take(while fits: (Item) -> Bool) -> [Item] {
        var taken: [Item] = []
        var counts: [Party: Int] = [:]
        var waiting = turns
        while !waiting.isEmpty {
            var more: [Party] = []
            for party in waiting {
                let place = counts[party, default: 0]
                guard let line = lines[party], place < line.count else { continue }
                guard fits(line[place]) || taken.isEmpty else {
                    return finish(taken, counts, next: party)
                }
                taken.append(line[place])
                counts[party] = place + 1
                more.append(party)
            }
            waiting = more
        }
        return finish(taken, counts, next: nil)
    }

    /// Removes what was taken; `next` is the first whose turn did not come.
    private mutating func finish(
        _ taken: [Item], _ counts: [Party: Int], next: Party?
    ) -> [Item] {
        for (party, count) in counts {
            lines[party]?.removeFirst(count)
            if lines[party]?.isEmpty == true { lines[party] = nil }
        }
        count -= taken.count
        let start = next.flatMap { turns.firstIndex(of: $0) } ?? 0
        turns = (turns[start...] + turns[..<start]).filter { lines[$0] != nil }
        return taken
    }
}
