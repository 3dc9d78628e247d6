import Foundation
import Testing

/// What a reader needs is written down where they look for it.
@Suite struct DocumentationTests {
    /// Types and functions. A stored property or an initialiser may leave it to its type's words, a
    /// conformance or an overload to the declaration of the same name that has them, and one-liners
    /// that stand together to the first of them.
    @Test func `every package declaration of a kit has a doc comment`() throws {
        var documented: Set<String> = ["encode", "hash", "appendLiteral"]
        var bare: [(name: String, place: String)] = []
        let folders = ImportTests.kits.keys.sorted().map { "Shared/\($0)" }
        for file in try SourceTree.swift(below: folders) {
            let lines = file.lines
            for (index, line) in lines.enumerated() {
                guard let name = Self.declaredName(in: line) else { continue }
                if Self.hasDocumentation(above: index, in: lines) {
                    documented.insert(name)
                } else if line.contains("package ") {
                    bare.append((name, "\(file):\(index + 1)"))
                }
            }
        }
        // A request and its response stand under their endpoint's words.
        let isCovered: (String) -> Bool = { name in
            documented.contains(name) || name.hasSuffix("Request") || name.hasSuffix("Response")
        }
        for (name, place) in bare where !isCovered(name) {
            Issue.record("\(place): \(name) has no doc comment")
        }
    }

    /// The name of the type or function that the line declares; operators have none.
    private static func declaredName(in line: Substring) -> String? {
        let words = line.split(separator: " ")
        let isKeyword: (Substring) -> Bool = { keywords.contains(String($0)) }
        guard let keyword = words.firstIndex(where: isKeyword), keyword + 1 < words.count,
            words[..<keyword].allSatisfy({ $0.hasPrefix("@") || modifiers.contains(String($0)) })
        else { return nil }
        // A nested one only says which type a protocol means.
        if words[keyword] == "typealias", line.hasPrefix(" ") { return nil }
        let name = words[keyword + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        return name.isEmpty ? nil : String(name)
    }

    private static let keywords: Set<String> = [
        "func", "struct", "class", "enum", "actor", "protocol", "typealias",
    ]

    private static let modifiers: Set<String> = [
        "package", "static", "final", "mutating", "nonisolated", "consuming", "borrowing",
        "indirect", "override",
    ]

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
            if headings.first != "# \(service.lowercased())-service" {
                Issue.record("Services/\(service)/README.md does not begin with its name")
            }
            for topic in ["own", "route", "message", "config", "table"]
            where !headings.contains(where: { $0.contains(topic) }) {
                Issue.record("Services/\(service)/README.md has no heading about '\(topic)'")
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
