import Kernel

/// The numbers of the command lane.
struct CommandMetrics: Sendable {
    let up: Gauge
    private let succeeded: Counter
    private let refusedByServer: Counter
    private let timedOut: Counter
    private let unavailable: Counter
    private let overloaded: Counter

    init(_ metrics: Metrics) {
        func commands(_ result: String) -> Counter {
            metrics.counter(
                "grapevine_redis_commands_total", help: "Redis commands by how they ended.",
                [("result", result)])
        }
        up = metrics.gauge("grapevine_redis_up", help: "1 while a Redis connection stands.")
        succeeded = commands("ok")
        refusedByServer = commands("error")
        timedOut = commands("timeout")
        unavailable = commands("unavailable")
        overloaded = commands("overloaded")
    }

    func count(_ result: CommandResult, commands: Int) {
        switch result {
        case .success(let answers):
            let errors = answers.count { if case .error = $0 { true } else { false } }
            succeeded.increment(by: commands - errors)
            if errors > 0 { refusedByServer.increment(by: errors) }
        case .failure(let error):
            switch error.code {
            case .timeout: timedOut.increment(by: commands)
            case .overloaded, .invalidCommand: overloaded.increment(by: commands)
            default: unavailable.increment(by: commands)
            }
        }
    }
}
