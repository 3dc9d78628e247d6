/// Finds all of many literals in one pass over a text, however they overlap (Aho and Corasick,
/// "Efficient string matching", 1975). The time is linear in the text and in what is found.
struct LiteralSearch: Sendable {
    struct Match: Sendable, Hashable {
        /// Which literal, by its place in the list.
        let literal: Int
        /// The place behind it.
        let end: Int
    }

    private static let none: UInt16 = .max

    /// Bytes that occur in no literal are one class.
    private var classes = [UInt8](repeating: 0, count: 256)
    private var classCount = 1
    private let lengths: [Int]
    /// By state and class.
    private var next: [UInt16] = []
    /// By state: the literals that end there, and the nearest state behind it where others end.
    private var found: [[Int]] = [[]]
    private var shorter: [UInt16] = [none]

    /// - Parameter literals: fewer than 65,535 bytes in all.
    init(_ literals: [[UInt8]]) {
        lengths = literals.map(\.count)
        for byte in Set(literals.joined()).sorted() {
            classes[Int(byte)] = UInt8(classCount)
            classCount += 1
        }
        precondition(classCount <= 255 && literals.reduce(0) { $0 + $1.count } < Int(Self.none))
        next = [UInt16](repeating: Self.none, count: classCount)
        for (index, literal) in literals.enumerated() where !literal.isEmpty {
            insert(literal, index)
        }
        link()
    }

    private mutating func insert(_ literal: [UInt8], _ index: Int) {
        var state = 0
        for byte in literal {
            let place = state * classCount + Int(classes[Int(byte)])
            if next[place] == Self.none {
                next[place] = UInt16(found.count)
                found.append([])
                shorter.append(Self.none)
                next += [UInt16](repeating: Self.none, count: classCount)
            }
            state = Int(next[place])
        }
        found[state].append(index)
    }

    /// Gives every state a way on for every class, shorter states first.
    private mutating func link() {
        var failure = [UInt16](repeating: 0, count: found.count)
        var queue: [Int] = []
        queue.reserveCapacity(found.count)
        for place in 0..<classCount {
            if next[place] == Self.none { next[place] = 0 } else { queue.append(Int(next[place])) }
        }
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            let fallback = Int(failure[state])
            shorter[state] = found[fallback].isEmpty ? shorter[fallback] : UInt16(fallback)
            for offset in 0..<classCount {
                let place = state * classCount + offset
                let other = next[fallback * classCount + offset]
                if next[place] == Self.none {
                    next[place] = other
                } else {
                    failure[Int(next[place])] = other
                    queue.append(Int(next[place]))
                }
            }
        }
    }

    /// A literal's length in bytes.
    func length(of literal: Int) -> Int { lengths[literal] }

    /// Everything that is found, by where it ends.
    func matches(in text: [UInt8]) -> [Match] {
        var matches: [Match] = []
        var state = 0
        for (index, byte) in text.enumerated() {
            state = Int(next[state * classCount + Int(classes[Int(byte)])])
            var ending = found[state].isEmpty ? shorter[state] : UInt16(state)
            while ending != Self.none {
                for literal in found[Int(ending)] {
                    matches.append(Match(literal: literal, end: index + 1))
                }
                ending = shorter[Int(ending)]
            }
        }
        return matches
    }
}
