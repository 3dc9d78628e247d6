/// Decides whether a peer is worth a request now. A plain value: the time is passed in.
///
/// Closed lets everything through and counts consecutive failures. Open refuses until its time is
/// over, then half-open lets single probes through: a success closes it, a failure opens it again
/// for twice as long.
package struct CircuitBreaker: Sendable {
    /// When something happens; passed in.
    package typealias Instant = ContinuousClock.Instant

    /// When it opens and for how long.
    package struct Settings: Sendable, Hashable {
        /// So many failures in a row open it.
        package var failureThreshold = 8
        /// How long it stays open the first time.
        package var openMinimum: Duration = .milliseconds(500)
        /// The doubled time ends here.
        package var openMaximum: Duration = .seconds(10)

        /// The defaults, which suit peers in one cluster.
        package init() {}
    }

    /// Where it stands.
    package enum State: Sendable, Hashable {
        case closed(failures: Int)
        case open(until: Instant)
        case halfOpen(isProbing: Bool)
    }

    /// The answer to "may I?".
    package enum Admission: Sendable, Hashable {
        /// Go, and report the outcome with this pass.
        case admitted(Pass)
        /// Do not; it may be worth trying again after that time.
        case refused(retryAfter: Duration)
    }

    /// Ties an outcome to the state that let the request through; outcomes of an earlier one are
    /// void.
    package struct Pass: Sendable, Hashable {
        fileprivate let generation: Int
    }

    /// How an admitted request ended.
    package enum Outcome: Sendable, Hashable {
        /// The peer answered like one that lives.
        case success
        case failure
        /// It says nothing about the peer (cancelled, refused in this process).
        case unknown
    }

    package private(set) var state = State.closed(failures: 0)
    private let settings: Settings
    private var generation = 0
    private var openFor: Duration

    package init(_ settings: Settings = Settings()) {
        self.settings = settings
        openFor = settings.openMinimum
    }

    /// Asks for one request. Every admission must be followed by `record`.
    package mutating func admit(at now: Instant) -> Admission {
        switch state {
        case .closed:
            return .admitted(Pass(generation: generation))
        case .open(let until) where now < until:
            return .refused(retryAfter: until - now)
        case .open, .halfOpen(isProbing: false):
            enter(.halfOpen(isProbing: true))
            return .admitted(Pass(generation: generation))
        case .halfOpen(isProbing: true):
            return .refused(retryAfter: settings.openMinimum)
        }
    }

    /// Reports how an admitted request ended.
    package mutating func record(_ outcome: Outcome, _ pass: Pass, at now: Instant) {
        guard pass.generation == generation else { return }
        switch (state, outcome) {
        case (.closed, .success):
            state = .closed(failures: 0)
        case (.closed(let failures), .failure):
            guard failures + 1 >= settings.failureThreshold else {
                state = .closed(failures: failures + 1)
                return
            }
            enter(.open(until: now + openFor))
        case (.halfOpen, .success):
            openFor = settings.openMinimum
            enter(.closed(failures: 0))
        case (.halfOpen, .failure):
            openFor = min(openFor * 2, settings.openMaximum)
            enter(.open(until: now + openFor))
        case (.halfOpen, .unknown):
            enter(.halfOpen(isProbing: false))
        case (.closed, .unknown), (.open, _):
            break
        }
    }

    /// Whether it is as new, so that it need not be remembered.
    package var isPristine: Bool { state == .closed(failures: 0) }

    private mutating func enter(_ next: State) {
        state = next
        generation += 1
    }
}
