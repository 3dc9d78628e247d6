import Contracts
import Kernel
import TestKit

/// One service's process, started again whenever it ends, as `deploy/local/supervise` does.
actor SupervisedService {
    nonisolated let name: ServiceName
    nonisolated let port: UInt16
    nonisolated let logPath: String
    nonisolated let environment: [String: String]

    /// How the process ended each time, deliberate stops included.
    private(set) var exits: [ProcessExit] = []
    private var process: ManagedProcess?
    private var supervision: Task<Void, Never>?

    init(_ name: ServiceName, port: UInt16, environment: [String: String], logPath: String) {
        self.name = name
        self.port = port
        self.environment = environment
        self.logPath = logPath
    }

    nonisolated var url: String { "http://127.0.0.1:\(port)" }

    /// The process of this moment; another one after a restart.
    var pid: Int32? { process?.pid }

    /// Starts it with these variables besides its own. A restart after its end has only its own.
    func start(with variables: [String: String] = [:]) throws {
        try launch(variables)
        supervision = Task { await supervise() }
    }

    /// Asks it to end and waits until it has; nobody starts it again.
    @discardableResult
    func stop() async throws -> ProcessExit? {
        supervision?.cancel()
        await supervision?.value
        supervision = nil
        guard let process else { return nil }
        let exit = try await process.stop(within: .seconds(30))
        self.process = nil
        exits.append(exit)
        return exit
    }

    private func launch(_ variables: [String: String]) throws {
        process = try ManagedProcess(
            Repository.executable(name.executableName),
            environment: environment.merging(variables) { $1 }, logPath: logPath)
    }

    private func supervise() async {
        while !Task.isCancelled {
            if let exit = process?.poll() {
                exits.append(exit)
                // One that cannot start must not take all of the machine.
                if exits.count > 3 { try? await Task.sleep(for: .milliseconds(100)) }
                if Task.isCancelled { return }
                try? launch([:])
            }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }
}
