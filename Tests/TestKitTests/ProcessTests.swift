import Foundation
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct ProcessTests {
    @Test func `a program's exit code and output are seen`() async throws {
        let process = try ManagedProcess(
            "/bin/sh", ["-c", "echo out; echo err >&2; echo $MARK; exit 3"],
            environment: ["MARK": "a b"])
        #expect(try await process.waitForExit() == .code(3))
        #expect(process.log() == "out\nerr\na b\n")
        #expect(process.poll() == .code(3))
    }

    @Test func `a killed program tells its signal`() async throws {
        let process = try ManagedProcess("/bin/sleep", ["600"])
        #expect(process.poll() == nil)
        process.kill()
        #expect(try await process.waitForExit() == .signal(9))
        process.kill()
    }

    @Test func `a program that ignores SIGTERM is killed`() async throws {
        let process = try ManagedProcess(
            "/bin/bash", ["-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done"])
        try await eventually("the trap is set") { process.log().contains("ready") }
        #expect(try await process.stop(within: .milliseconds(50)) == .signal(9))
    }

    @Test func `a program that does not end in time is told with its log`() async throws {
        let process = try ManagedProcess("/bin/sh", ["-c", "echo busy; exec sleep 600"])
        try await eventually("it prints") { process.log().contains("busy") }
        let error = await #expect(throws: ProcessError.self) {
            try await process.waitForExit(within: .milliseconds(1))
        }
        #expect(error?.description.contains("busy") == true)
    }

    @Test func `letting go of a program ends its whole group`() async throws {
        let path = try Repository.scratchDirectory("group") + "/pid"
        var process: ManagedProcess? = try ManagedProcess(
            "/bin/sh", ["-c", "sleep 600 & echo $! > \(path); wait"])
        let child = try await eventually("the child is there") {
            try? String(contentsOfFile: path, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        #expect(FileManager.default.fileExists(atPath: "/proc/\(child)"))
        #expect(process?.poll() == nil)
        process = nil
        try await eventually("the child is gone") {
            // Its new parent may take a moment to take note of the death.
            let status = try? String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)
            return status?.contains("State:\tZ") ?? true
        }
    }

    @Test func `a program inherits no descriptor and no variable`() async throws {
        setenv("GRAPEVINE_LEAK", "1", 1)
        let file = try #require(fopen("/dev/null", "r"))
        defer { fclose(file) }
        let variables = try await Command.run("/usr/bin/env")
        #expect(!variables.contains("GRAPEVINE_LEAK"))
        // The fourth is the directory that `ls` reads.
        #expect(try await Command.run("/bin/ls", ["/proc/self/fd"]) == "0\n1\n2\n3\n")
    }

    @Test func `a missing program and a failing command are errors`() async throws {
        #expect(throws: ProcessError.self) { try ManagedProcess("/nowhere/program") }
        let error = await #expect(throws: ProcessError.self) {
            try await Command.run("/bin/sh", ["-c", "echo because; exit 1"])
        }
        #expect(error?.description.contains("because") == true)
    }

    @Test func `free ports are free and different`() {
        let ports = (0..<50).map { _ in FreePort.find() }
        #expect(Set(ports).count == 50)
    }

    @Test func `the executables of this package are found`() throws {
        #expect(try Repository.executable("client-service").hasSuffix("/client-service"))
        #expect(throws: ProcessError.self) { try Repository.executable("no-service") }
        #expect(FileManager.default.fileExists(atPath: Repository.root + "/Package.swift"))
    }
}
