import FoundationEssentials
import Glibc
import Synchronization

/// A program that a test started: a service, a server's script, an outside client.
///
/// It runs in a process group of its own, which is killed when the last reference to this goes, or
/// when the test process exits. What it prints goes to a file.
package final class ManagedProcess: Sendable {
    /// The process and its group.
    package let pid: Int32
    /// Where its output and errors are.
    package let logPath: String
    private let name: String
    private let exit = Mutex<ProcessExit?>(nil)

    /// Starts `executable` (a path) with exactly this environment besides PATH and HOME.
    ///
    /// Throws when there is no such program. `logPath` is appended to; without one a new file in a
    /// scratch directory is used.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        logPath: String? = nil
    ) throws {
        let name = executable.split(separator: "/").last.map(String.init) ?? executable
        let own = ProcessInfo.processInfo.environment
        let inherited = own.filter { ["PATH", "HOME"].contains($0.key) }
        self.name = name
        self.logPath = try logPath ?? "\(Repository.scratchDirectory(name))/log"
        pid = try Spawn.start(
            executable, arguments, environment: inherited.merging(environment) { $1 },
            logPath: self.logPath)
        LiveGroups.insert(pid)
    }

    deinit {
        if poll() == nil {
            Glibc.kill(-pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        } else {
            // Helpers that it left behind, if any.
            Glibc.kill(-pid, SIGKILL)
        }
        LiveGroups.remove(pid)
    }

    /// How it ended; nil while it runs.
    package func poll() -> ProcessExit? {
        exit.withLock { exit in
            if let exit { return exit }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            exit = ProcessExit(status: status)
            return exit
        }
    }

    /// Sends a signal to the process alone; does nothing once it has ended.
    package func signal(_ number: Int32) {
        exit.withLock { exit in
            // Unreaped, the number cannot belong to anybody else yet.
            if exit == nil { Glibc.kill(pid, number) }
        }
    }

    /// Asks it to end (SIGTERM).
    package func terminate() { signal(SIGTERM) }

    /// Ends it without warning (SIGKILL).
    package func kill() { signal(SIGKILL) }

    /// Waits until it has ended. Throws with the end of its log when it has not by the limit.
    @discardableResult
    package func waitForExit(within limit: Duration = .seconds(20)) async throws -> ProcessExit {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while true {
            if let exit = poll() { return exit }
            guard clock.now < deadline else {
                throw ProcessError("\(name) still runs after \(limit). Its log:\n\(logTail())")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// SIGTERM, then SIGKILL when it does not obey within the limit; returns how it ended.
    @discardableResult
    package func stop(within limit: Duration = .seconds(15)) async throws -> ProcessExit {
        terminate()
        if let exit = try? await waitForExit(within: limit) { return exit }
        kill()
        return try await waitForExit(within: .seconds(5))
    }

    /// Everything it printed so far.
    package func log() -> String {
        guard let data = FileManager.default.contents(atPath: logPath) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// The last lines that it printed, for failures.
    package func logTail(lines count: Int = 20) -> String {
        log().split(separator: "\n").suffix(count).joined(separator: "\n")
    }
}

/// The process groups that must not outlive the test process.
private enum LiveGroups {
    private static let groups = Mutex<Set<Int32>>([])
    private static let atExit: Void = {
        atexit { LiveGroups.killAll() }
    }()

    static func insert(_ group: Int32) {
        atExit
        groups.withLock { _ = $0.insert(group) }
    }

    static func remove(_ group: Int32) {
        groups.withLock { _ = $0.remove(group) }
    }

    static func killAll() {
        groups.withLock { groups in
            for group in groups { Glibc.kill(-group, SIGKILL) }
        }
    }
}
