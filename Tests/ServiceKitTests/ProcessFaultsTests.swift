import Foundation
import Glibc
import Kernel
import ServiceKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct ProcessFaultsTests {
    private static let point = CrashPoint("event.ingest", .beforeCommit)

    @Test func `the process dies at the point, the nth time, and leaves its mark`() async throws {
        let mark = "/tmp/grapevine-crash-mark-\(getpid())"
        setenv("CRASH_MARK_OF_TEST", mark, 1)
        defer { unlink(mark) }
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let path = ProcessInfo.processInfo.environment["CRASH_MARK_OF_TEST"]
            let faults = ProcessFaults.make(
                crashAt: "event.ingest.before_commit:2", markPath: path,
                declared: [CrashPoint("event.ingest", .beforeCommit)], logger: .silent)
            faults?.reach(CrashPoint("event.ingest", .beforeCommit))
            faults?.reach(CrashPoint("event.ingest", .afterCommitBeforeReply))
            if FileManager.default.fileExists(atPath: path ?? "") { exit(1) }
            faults?.reach(CrashPoint("event.ingest", .beforeCommit))
            exit(2)
        }
        let text = try String(contentsOfFile: mark, encoding: .utf8)
        #expect(text == "event.ingest.before_commit\n")
    }

    @Test(arguments: ["event.other.before_commit", "event.ingest.before_commit:0", "x:1:2", ""])
    func `what is not declared is refused in the log`(text: String) {
        let log = RecordedLog()
        let faults = ProcessFaults.make(
            crashAt: text, markPath: nil, declared: [Self.point], logger: log.logger())
        #expect(faults == nil)
        #expect(log.contains("names no crash point"))
    }
}
