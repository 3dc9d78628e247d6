import Foundation
import Testing

/// What a reader needs is written down where they look for it.
@Suite struct DocumentationTests {
    /// Types and functions. A stored property or an initialiser may leave it to its type's words, a
    /// conformance or an overload to the declaration of the same name that has them, and one-liners
    /// that stand together to the first of them.
    @Test func `every package declaration of a kit has a doc comment`() throws {
        for kit in ImportTests.kits.keys.sorted() {
            var documented: Set<String> = ["encode", "hash"]
            var bare: [(name: String, place: String)] = []
            for file in try SourceTree.swift(below: ["Shared/\(kit)"]) {
                let lines = file.lines
                for (index, line) in lines.enumerated() {
                    guard let name = try Self.declaredName(in: line) else { continue }
                    if Self.hasDocumentation(above: index, in: lines) {
                        documented.insert(name)
                    } else {
                        bare.append((name, "\(file):\(index + 1)"))
                    }
                }
            }
            for (name, place) in bare {
                #expect(documented.contains(name), "\(place): \(name) has no doc comment")
            }
        }
    }

    /// The name of the type or function that the line declares with `package` access.
    private static func declaredName(in line: Substring) throws -> String? {
        let declaration = try Regex(
            #"^\s*(?:@\w+(?:\([^)]*\))?\s+)*package\s+(?:(?:static|final|mutating|nonisolated|"#
                + #"consuming|borrowing|indirect)\s+)*"#
                + #"(?:func|struct|class|enum|actor|protocol|typealias)\s+(\w+)"#)
        guard let match = try declaration.prefixMatch(in: line) else { return nil }
        return match.output[1].substring.map(String.init)
    }

    private static func hasDocumentation(above index: Int, in lines: [Substring]) -> Bool {
        for line in lines[..<index].reversed() {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("///") { return true }
            let isNeighbour =
                text.hasPrefix("package typealias")
                || (text.hasPrefix("package enum") && text.hasSuffix("}"))
            guard text.hasPrefix("@") || text.hasPrefix("#if") || isNeighbour else { return false }
        }
        return false
    }

    @Test func `every service has a README that says what it owns`() throws {
        for service in try SourceTree.services() {
            let url = SourceTree.root.appending(path: "Services/\(service)/README.md")
            let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
            let headings = text.lowercased().split(separator: "\n").filter { $0.hasPrefix("#") }
            #expect(
                headings.first == "# \(service.lowercased())-service",
                "Services/\(service)/README.md does not begin with the service's name")
            for topic in ["own", "route", "message", "config", "table"] {
                #expect(
                    headings.contains { $0.contains(topic) },
                    "Services/\(service)/README.md has no heading about '\(topic)…'")
            }
        }
    }

    @Test func `an unchecked Sendable says why it is safe`() throws {
        for file in try SourceTree.swift() {
            let lines = file.lines
            let code = CodeText(file.text).code.split(
                separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in code.enumerated() where line.contains("@unchecked Sendable") {
                let near = lines[max(0, index - 4)...index]
                #expect(
                    near.contains { $0.contains("//") },
                    "\(file):\(index + 1): @unchecked Sendable without a comment")
            }
        }
    }

    @Test func `nothing is left for later in a comment`() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:"]
        let files = try SourceTree.files(
            below: ["Services", "Shared", "Tests", "deploy"],
            endings: [".swift", ".sql", ".sh", ".h", ".cpp", ".md", ".template"])
        for file in files {
            for (index, line) in file.lines.enumerated() {
                let found = words.first { line.contains($0) }
                #expect(found == nil, "\(file):\(index + 1): \(found ?? "")")
            }
        }
    }
}
