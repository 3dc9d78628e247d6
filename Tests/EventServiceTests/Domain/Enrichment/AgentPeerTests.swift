import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import EventService

/// Whether agents are told as lists say that others keep.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: Peers.areInstalled, "Tests/Peers/run --venv makes what this needs"))
struct AgentPeerTests {
    @Test func `the list of bots is the one that crawler-user-agents has`() async throws {
        let path = try Repository.scratchDirectory("agents") + "/bots.txt"
        _ = try await Peers.run("agents.py", [path])
        let written = try Data(contentsOf: URL(filePath: path))
        #expect(Array(written) == PackageResources.bots_txt)
    }

    @Test func `nearly every agent that is known of a bot is flagged`() async throws {
        let output = try await Peers.run("agents.py", ["--bots"])
        let agents = try #require(try JSONCoding.parse(Array(output.utf8)).array)
        let missed = agents.compactMap(\.string).filter {
            UserAgentReader.installed.read($0).bot == nil
        }
        #expect(agents.count > 1500)
        // Some lists' patterns are too general for anybody's traffic.
        #expect(
            missed.count * 100 < agents.count * 2, "\(missed.count) missed: \(missed.prefix(20))")
    }

    @Test func `browsers and systems have the names and versions that ua-parser finds`()
        async throws
    {
        let agents = UserAgentTests.agents.filter { !$0.2.isEmpty }
        let path = try Repository.scratchDirectory("agents") + "/agents.json"
        try Data(JSONCoding.encode(JSONValue.array(agents.map { .string($0.0) })))
            .write(to: URL(filePath: path))
        let output = try await Peers.run("agents.py", ["--read", path])
        let told = try #require(try JSONCoding.parse(Array(output.utf8)).array)
        #expect(told.count == agents.count)
        // Where both mean the same by another word.
        let words = [
            "Mobile Safari": "Safari", "Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome",
            "Firefox Mobile": "Firefox", "IE": "Internet Explorer", "Mac OS X": "macOS",
            "Ubuntu": "Linux", "Chrome OS": "ChromeOS", "Web0S": "webOS",
            "Mobile Safari UI/WKWebView": "Safari", "WebOS": "webOS",
        ]
        for ((text, _, _, _), other) in zip(agents, told) {
            let ours = UserAgentReader.installed.read(text)
            guard ours.device != "console" else { continue }
            let (browser, system) = (other["browser"]?.string ?? "", other["os"]?.string ?? "")
            #expect(words[browser] ?? browser == ours.browser?.name, "\(text)")
            #expect(
                ours.browser?.version?.split(separator: ".").first.map(String.init)
                    == other["major"]?.string, "\(text)")
            #expect(words[system] ?? system == ours.system?.name, "\(text)")
        }
    }
}
