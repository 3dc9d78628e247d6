package import FoundationEssentials

/// Where new ids come from. Passed in, so that a test can foretell them.
package protocol IDGenerator: Sendable {
    /// A fresh UUID; sortable by time of creation (version 7) in production.
    func next() -> UUID
}

extension IDGenerator {
    /// A fresh id of the wanted kind.
    package func next<Tag: IDTag>(_ type: TypeID<Tag>.Type = TypeID<Tag>.self) -> TypeID<Tag> {
        TypeID(next())
    }
}

/// UUIDv7 from the system clock and the system's random numbers.
///
/// Source: RFC 9562 §5.7. The 12 bits after the version hold the sub-millisecond fraction, so ids
/// of one process mostly sort in order of creation even within a millisecond (method 3 of §6.2).
package struct SystemIDGenerator: IDGenerator {
    private let clock: any TimeSource

    package init(clock: any TimeSource = SystemClock()) {
        self.clock = clock
    }

    package func next() -> UUID {
        UUID.version7(
            at: clock.now(), random: UInt64.random(in: .min ... .max))
    }
}

extension UUID {
    /// The version 7 UUID of an instant and 62 random bits (the two highest bits of `random` are
    /// dropped).
    package static func version7(at time: Timestamp, random: UInt64) -> UUID {
        let micros = UInt64(max(0, time.microseconds))
        let (millis, fraction) = (micros / 1000, micros % 1000 * 4096 / 1000)
        let high = millis << 16 | 0x7000 | fraction
        let low = random & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return UUID(bits: UInt128(high) << 64 | UInt128(low))
    }
}
