/// What code may not fetch by itself: the time, new ids, and the faults a test wants.
///
/// Built once in a service's wiring and handed down by initialisers.
package struct World: Sendable {
    /// The system clock (leases, tokens, limits, signatures).
    package let clock: any TimeSource
    package let ids: any IDGenerator
    package let faults: any FaultInjector
    package let telemetry: Telemetry

    package init(
        clock: any TimeSource = SystemClock(),
        ids: any IDGenerator = SystemIDGenerator(),
        faults: any FaultInjector = NoFaults(),
        telemetry: Telemetry = Telemetry()
    ) {
        self.clock = clock
        self.ids = ids
        self.faults = faults
        self.telemetry = telemetry
    }
}
