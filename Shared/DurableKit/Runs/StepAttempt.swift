/// What a step's body is told.
package struct StepAttempt: Sendable {
    /// The same text for every attempt of this step of this run, and no other's: at most 240 bytes
    /// of `run_…` and the step's name. Pass it to whoever is called, so that the effect happens
    /// once.
    package let idempotencyKey: String
    /// 1 for the first; goes on counting across restarts.
    package let number: Int
}

/// The result of a step that has none.
struct NoValue: Codable, Sendable {}

/// Values that come back from JSON exactly as they went in, so the first execution need not read
/// its own record to see what a replay will see.
protocol LosslessResult {}
extension NoValue: LosslessResult {}
extension Bool: LosslessResult {}
extension Int: LosslessResult {}
extension Int64: LosslessResult {}
extension String: LosslessResult {}
