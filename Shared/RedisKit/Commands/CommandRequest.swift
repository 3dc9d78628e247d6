/// What a waiting caller gets.
typealias CommandResult = Result<[RedisValue], RedisError>

/// A batch of commands on its way, from the call to the last answer.
struct CommandRequest: Sendable {
    let bytes: [UInt8]
    let commandCount: Int
    let deadline: ContinuousClock.Instant
    /// Nil once the caller was told, which may be before the server answers.
    var caller: CheckedContinuation<CommandResult, Never>?
    var sentAt: ContinuousClock.Instant?
    var answers: [RedisValue] = []
}
