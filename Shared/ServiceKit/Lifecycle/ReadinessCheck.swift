/// One condition that `/readyz` reports.
package struct ReadinessCheck: Sendable {
    /// What a check found.
    package enum State: Sendable, Hashable {
        case ready
        /// The service works, with less comfort (Redis away); it stays ready.
        case degraded(String)
        /// The service cannot do its work; no traffic please.
        case notReady(String)
    }

    /// A key of the answer: lower case, no spaces.
    package let name: String
    /// Asked at every `/readyz`; taken as not ready when it takes longer than two seconds.
    package let check: @Sendable () async -> State

    package init(_ name: String, check: @escaping @Sendable () async -> State) {
        self.name = name
        self.check = check
    }

    /// Degraded while the age of the last good contact is above `limit` or there was none yet.
    package static func freshness(
        _ name: String, limit: Duration = .seconds(30), age: @escaping @Sendable () -> Duration?
    ) -> ReadinessCheck {
        ReadinessCheck(name) {
            guard let age = age() else { return .degraded("There was no contact yet.") }
            let seconds = age.components.seconds
            return age > limit ? .degraded("The last contact was \(seconds) s ago.") : .ready
        }
    }
}
