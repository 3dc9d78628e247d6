/// An instant in UTC, counted in whole microseconds since 1970-01-01 (what PostgreSQL can keep).
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since the Unix epoch; negative before it.
    package let microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.microseconds < right.microseconds
    }

    package static func + (left: Self, right: Duration) -> Self {
        Self(microseconds: left.microseconds + right.wholeMicroseconds)
    }

    package static func - (left: Self, right: Duration) -> Self {
        Self(microseconds: left.microseconds - right.wholeMicroseconds)
    }

    package static func - (left: Self, right: Self) -> Duration {
        .microseconds(left.microseconds - right.microseconds)
    }

    /// Whole seconds since the Unix epoch, rounded down (JWT `exp`, Redis `EXPIREAT`).
    package var unixSeconds: Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension Duration {
    /// The duration in microseconds, rounded toward zero.
    package var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }

    /// The duration in milliseconds, rounded toward zero.
    package var wholeMilliseconds: Int64 { wholeMicroseconds / 1000 }

    /// The duration in seconds, for metrics and log lines only.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
