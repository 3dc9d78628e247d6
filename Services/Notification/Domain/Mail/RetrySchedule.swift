import Kernel

/// When something that did not work is tried again. A pure decision; the random number is passed
/// in.
struct RetrySchedule: Sendable, Hashable {
    /// The pause after the first attempt, after the second, and so on. After the last there is no
    /// other attempt.
    let pauses: [Duration]

    /// Mail: soon at first, because a server that is being restarted is back soon.
    static let mail = RetrySchedule(pauses: [
        .seconds(2), .seconds(10), .seconds(60), .seconds(300), .seconds(900), .seconds(1800),
        .seconds(3600), .seconds(2 * 3600), .seconds(4 * 3600), .seconds(8 * 3600),
    ])

    /// Webhooks: the schedule that Standard Webhooks 1.0.0 proposes.
    static let webhooks = RetrySchedule(pauses: [
        .seconds(5), .seconds(300), .seconds(1800), .seconds(2 * 3600), .seconds(5 * 3600),
        .seconds(10 * 3600), .seconds(14 * 3600), .seconds(20 * 3600), .seconds(24 * 3600),
    ])

    /// The pause after attempt number `attempt` (from 1), give or take a fifth; nil after the last.
    /// Never shorter than what the other side asked for, up to a day.
    func pause(
        afterAttempt attempt: Int, atLeast least: Duration = .zero,
        share: Double = .random(in: 0...1)
    ) -> Duration? {
        guard (1...pauses.count).contains(attempt) else { return nil }
        let milliseconds = pauses[attempt - 1] / .milliseconds(1) * (0.8 + 0.4 * share)
        return max(.milliseconds(Int(milliseconds.rounded())), min(least, .seconds(86_400)))
    }
}
