import FoundationEssentials
import Kernel

/// A set of identities that never says no of one that is in it, and seldom yes of another.
///
/// Ten bits for each. Identities are hashes, so that their own bits say where they are.
/// Source: B. H. Bloom 1970; within one cache line: F. Putze, P. Sanders, J. Singler 2007.
struct IdentityFilter: Sendable {
    private struct Part: Sendable {
        private static let bitsPerIdentity = 10
        private static let marks = 6

        let capacity: Int
        private var blocks: [SIMD8<UInt64>]
        private(set) var count = 0

        init(capacity: Int) {
            self.capacity = capacity
            blocks = Array(repeating: .zero, count: Self.blockCount(capacity))
        }

        static func blockCount(_ capacity: Int) -> Int {
            (capacity * bitsPerIdentity + 511) / 512
        }

        func mayContain(_ identity: UUID) -> Bool {
            let (block, bits) = place(identity)
            return blocks[block] & bits == bits
        }

        mutating func insert(_ identity: UUID) {
            let (block, bits) = place(identity)
            blocks[block] |= bits
            count += 1
        }

        /// The upper half chooses the block; nine bits of the lower half each bit in it.
        private func place(_ identity: UUID) -> (block: Int, bits: SIMD8<UInt64>) {
            let number = identity.bits
            let (upper, lower) = (UInt64(number >> 64), UInt64(truncatingIfNeeded: number))
            var bits = SIMD8<UInt64>.zero
            for mark in 0..<Self.marks {
                let bit = lower >> (9 * UInt64(mark)) & 511
                bits[Int(bit >> 6)] |= 1 << (bit & 63)
            }
            return (Int(upper.multipliedFullWidth(by: UInt64(blocks.count)).high), bits)
        }
    }

    /// How many identities the first part is for; each further one is for four times as many.
    private let firstCapacity: Int
    private var parts: [Part] = []

    init(firstCapacity: Int = 1 << 20) {
        self.firstCapacity = firstCapacity
    }

    /// The memory that it takes, in bytes.
    var byteCount: Int { parts.reduce(0) { $0 + Self.byteCount($1.capacity) } }

    /// The memory that the next identity adds, in bytes: zero nearly always.
    var nextByteCount: Int { isFull ? Self.byteCount(nextCapacity) : 0 }

    func mayContain(_ identity: UUID) -> Bool {
        parts.contains { $0.mayContain(identity) }
    }

    /// - Parameter mayGrow: whether it may take more memory when it is full; the first part is made
    ///   in any case. A filter that does not grow says yes of ever more that is not in it.
    mutating func insert(_ identity: UUID, mayGrow: Bool = true) {
        if isFull, mayGrow || parts.isEmpty { parts.append(Part(capacity: nextCapacity)) }
        parts[parts.count - 1].insert(identity)
    }

    private var isFull: Bool { parts.last.map { $0.count >= $0.capacity } ?? true }
    private var nextCapacity: Int { parts.last.map { $0.capacity * 4 } ?? firstCapacity }

    private static func byteCount(_ capacity: Int) -> Int { Part.blockCount(capacity) * 64 }
}
