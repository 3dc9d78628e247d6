package import Kernel
import Synchronization

/// Redis: commands pipelined over one connection, Lua scripts, and pattern subscriptions over
/// another.
///
/// Connects in the background and again after every loss, so creating it never fails because the
/// server is away. While it is away every call fails at once: callers degrade, they do not wait.
/// No command is ever sent twice.
package final class RedisClient: Sendable {
    private let configuration: RedisConfiguration
    private let lane: CommandLane
    private let subscriber: Subscriber
    private let digests = Mutex<[String: String]>([:])

    /// Starts connecting. Ends with `shutdown()`, or by itself when the last reference goes.
    package init(_ configuration: RedisConfiguration, telemetry: Telemetry) {
        self.configuration = configuration
        lane = CommandLane(configuration, telemetry: telemetry)
        subscriber = Subscriber(configuration, telemetry: telemetry)
        lane.start()
    }

    deinit {
        lane.stop()
        subscriber.stop()
    }

    /// Whether a connection stands now. False positives last at most `stallLimit`.
    package var isAvailable: Bool { lane.isUp }

    /// Sends one command and waits for its answer, at most `deadline` (default: the
    /// configuration's).
    ///
    /// Commands of one caller run in its order. An error answer is thrown with code `.server`.
    /// After `.timeout` and `.connectionLost` the command may have run; all other codes mean it did
    /// not. Cancelling the task does not end the wait early; the deadline does.
    package func command(
        _ arguments: [RedisArgument], deadline: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        let answer = try await pipeline([arguments], deadline: deadline)[0]
        if case .error(let error) = answer { throw error }
        return answer
    }

    /// Sends commands back to back in one round trip; answers in the same order, errors as values.
    ///
    /// Not a transaction: a lost connection can leave a prefix done. An empty list answers at once.
    package func pipeline(
        _ commands: [[RedisArgument]], deadline: Duration? = nil
    ) async throws(RedisError) -> [RedisValue] {
        if commands.isEmpty { return [] }
        var bytes: [UInt8] = []
        for command in commands {
            guard !command.isEmpty else {
                throw RedisError(.invalidCommand, detail: "A command has at least its name.")
            }
            CommandEncoder.append(command, to: &bytes)
        }
        return try await lane.submit(
            bytes, answers: commands.count, within: deadline ?? configuration.commandDeadline)
    }

    /// Runs a script by its digest; when the server lost it (restart, flush), sends the source
    /// once.
    ///
    /// Same errors as `command`. `deadline` counts for each round trip: one as a rule, one more the
    /// first time (to load it), one more when the server lost it. The script runs at most once.
    package func run(
        _ script: RedisScript, keys: [String], arguments: [RedisArgument],
        deadline: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        let rest =
            [RedisArgument.integer(keys.count)] + keys.map { .text($0) } + arguments
        let digest = try await digest(of: script, deadline: deadline)
        do {
            return try await command(["EVALSHA", .text(digest)] + rest, deadline: deadline)
        } catch {
            guard error.serverCode == "NOSCRIPT" else { throw error }
            return try await command(["EVAL", .text(script.source)] + rest, deadline: deadline)
        }
    }

    /// Publishes in one round trip, in the given order. Throws the first error answer.
    ///
    /// Success means that the server passed it to whoever was subscribed, which may be nobody.
    package func publish(
        _ messages: [(channel: String, payload: String)]
    ) async throws(RedisError) {
        let answers = try await pipeline(
            messages.map { ["PUBLISH", .text($0.channel), .text($0.payload)] })
        for case .error(let error) in answers { throw error }
    }

    /// Listens to channels that match a glob pattern (`event.*`), until the reader stops.
    ///
    /// Starts with `.subscribed` once the server confirmed. A reader that falls behind by more than
    /// `subscriptionBufferSignals` loses the oldest messages but never the last `.subscribed`; lost
    /// messages count in `grapevine_redis_signals_dropped_total`. Ends at `shutdown()`.
    package func subscribe(pattern: String) -> AsyncStream<RedisSignal> {
        subscriber.subscribe(pattern)
    }

    /// Asks the server for a sign of life, within the command deadline.
    package func ping() async throws(RedisError) {
        _ = try await command(["PING"])
    }

    /// Fails what waits with `.shutDown`, ends the subscriptions, and returns when both threads
    /// ended.
    package func shutdown() async {
        lane.stop()
        subscriber.stop()
        await lane.ended.wait()
        await subscriber.ended.wait()
    }

    /// The server computes it (SHA-1 of the source), so that no digest code is needed here.
    private func digest(
        of script: RedisScript, deadline: Duration?
    ) async throws(RedisError) -> String {
        if let known = digests.withLock({ $0[script.source] }) { return known }
        let answer = try await command(
            ["SCRIPT", "LOAD", .text(script.source)], deadline: deadline)
        guard let digest = answer.string else {
            throw RedisError(.server, detail: "SCRIPT LOAD gave no digest.")
        }
        digests.withLock { $0[script.source] = digest }
        return digest
    }
}
