import Foundation
import Testing

/// Two questions find any file: which service, which layer.
@Suite struct LayoutTests {
    static let top: Set<String> = [
        "Package.swift", "README.md", "docker-compose.yml", "Services", "Shared", "Tests", "deploy",
        ".ci", ".gitignore", ".swift-format",
    ]

    static let serviceEntries: Set<String> = [
        "README.md", "Run", "Routes", "Domain", "Store", "Events", "Pulses", "Live",
        "openapi.json",
    ]

    @Test func `the top level holds only what it is meant to hold`() throws {
        let entries = Set(try SourceTree.entries(of: "")).subtracting(SourceTree.ignoredAtTop)
        let strangers = entries.subtracting(Self.top).filter { !$0.hasSuffix(".xctest") }
        #expect(strangers.isEmpty, "\(strangers.sorted())")
    }

    @Test func `every service has the same folders`() throws {
        for service in try SourceTree.services() {
            let entries = Set(try SourceTree.entries(of: "Services/\(service)"))
            let own: Set<String> = ["\(service)Service.swift", "\(service)Config.swift"]
            let strangers = entries.subtracting(Self.serviceEntries).subtracting(own)
                .filter { !$0.hasPrefix("\(service)Service+") }
            #expect(strangers.isEmpty, "Services/\(service): \(strangers.sorted())")
        }
    }

    @Test func `an executable's main is a few lines over its library`() throws {
        for file in try SourceTree.swift(below: ["Services"]) where file.folders.last == "Run" {
            #expect(file.lines.count <= 41, "\(file): \(file.lines.count) lines")
        }
    }

    @Test func `every script can be run and explains itself`() throws {
        let names = ["up", "down", "status", "logs", "demo", "test", "bench", "fuzz"]
        for name in names {
            let path = SourceTree.root.appending(path: "deploy/\(name)").path
            #expect(FileManager.default.isExecutableFile(atPath: path), "deploy/\(name)")
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            #expect(text.contains("--help"), "deploy/\(name) has no --help")
            #expect(text.contains("set -euo pipefail"), "deploy/\(name) ignores errors")
        }
    }

    @Test func `decisions are numbered without a gap`() throws {
        let numbers = try SourceTree.entries(of: "Shared/Docs/decisions").compactMap {
            Int($0.prefix(4))
        }
        #expect(!numbers.isEmpty)
        #expect(numbers.sorted() == Array(1...max(1, numbers.count)))
    }
}
