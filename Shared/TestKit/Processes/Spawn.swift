import FoundationEssentials
import Glibc

/// Starts programs with `posix_spawn`: own process group, nothing inherited but what is given.
enum Spawn {
    /// The new process. Its output and errors are appended to the file at `logPath`.
    static func start(
        _ path: String, _ arguments: [String], environment: [String: String], logPath: String
    ) throws(ProcessError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, 1, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Not even descriptors that somebody forgot to mark: a child that holds a test's
        // listening socket keeps its port.
        // (Closing one that is not open is no error here.)
        for descriptor in 3..<afterLastDescriptor() {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let variables = environment.map { "\($0.key)=\($0.value)" }
        var process: pid_t = 0
        let result = withCStrings([path] + arguments) { arguments in
            withCStrings(variables) { variables in
                posix_spawn(&process, path, &actions, &attributes, arguments, variables)
            }
        }
        guard result == 0 else {
            throw ProcessError("\(path) cannot be started: \(String(cString: strerror(result)))")
        }
        return process
    }

    /// Beyond every descriptor that is open, and some that others may open meanwhile.
    private static func afterLastDescriptor() -> Int32 {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let last = (names ?? []).compactMap { Int32($0) }.max() ?? 1024
        return last + 32
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
