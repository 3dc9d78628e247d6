package import FoundationEssentials
import Kernel
import Synchronization

/// Ids that a test can foretell: `00000000-<space>-7000-8000-<number>`, counted from 1, ascending.
package final class SequentialIDGenerator: IDGenerator {
    private let space: UInt16
    private let last = Atomic<UInt64>(0)

    /// Generators of different spaces never give the same id.
    package init(space: UInt16 = 0) {
        self.space = space
    }

    package func next() -> UUID {
        Self.uuid(last.add(1, ordering: .relaxed).newValue, space: space)
    }

    /// The id that `next()` gives at its `number`th call.
    package static func uuid(_ number: UInt64, space: UInt16 = 0) -> UUID {
        func byte(_ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: number >> (index * 8)) }
        return UUID(
            uuid: (
                0, 0, 0, 0, UInt8(space >> 8), UInt8(space & 0xFF), 0x70, 0, 0x80, 0, byte(5),
                byte(4), byte(3), byte(2), byte(1), byte(0)
            ))
    }
}
