import Foundation
import Testing

/// SQL has one place in a service, takes its time from the caller, and its migrations have an
/// order.
@Suite struct StoreTests {
    static let statements: [String] = [
        #"\bselect\b[\s\S]*\bfrom\b"#, #"\binsert\s+into\b"#, #"\bupdate\s+\w+\s+set\b"#,
        #"\bdelete\s+from\b"#, #"\b(create|alter|drop)\s+table\b"#, #"\bpg_advisory"#,
    ]

    /// A `Store` folder, or in a kit without one a file named after its store.
    static func isStore(_ file: SourceFile) -> Bool {
        file.folders.contains("Store")
            || (file.path.hasPrefix("Shared/") && file.path.hasSuffix("Store.swift"))
    }

    @Test func `SQL is written in stores only`() throws {
        let patterns = try Self.statements.map {
            try NSRegularExpression(pattern: $0, options: .caseInsensitive)
        }
        let folders = ["Services", "Shared/MessagingKit", "Shared/DurableKit", "Shared/ServiceKit"]
        for file in try SourceTree.swift(below: folders) where !Self.isStore(file) {
            for literal in CodeText(file.text).literals {
                let range = NSRange(literal.text.startIndex..., in: literal.text)
                let isSQL = patterns.contains {
                    $0.firstMatch(in: literal.text, range: range) != nil
                }
                if isSQL { Issue.record("\(file):\(literal.line): SQL outside Store/") }
            }
        }
    }

    @Test func `business SQL never asks the database what time it is`() throws {
        let pattern = try NSRegularExpression(
            pattern: #"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)"#
                + #"\s*\(|\b(current_timestamp|current_date|localtimestamp|localtime)\b"#,
            options: .caseInsensitive)
        let files = try SourceTree.files(below: ["Services"], endings: [".swift", ".sql"])
        for file in files where file.folders.contains("Store") {
            let texts: [(line: Int, text: String)] =
                file.path.hasSuffix(".sql")
                ? file.lines.enumerated().map { ($0.offset + 1, Self.withoutComment($0.element)) }
                : CodeText(file.text).literals
            for (line, text) in texts {
                let range = NSRange(text.startIndex..., in: text)
                let asks = pattern.firstMatch(in: text, range: range) != nil
                #expect(!asks, "\(file):\(line): the time comes from World.clock")
            }
        }
    }

    @Test func `migrations are numbered from one without a gap and say why`() throws {
        let files = try SourceTree.files(below: ["Services", "Shared"], endings: [".sql"])
        let name = try Regex("^V([0-9]{4})_[a-z0-9_]+\\.sql$")
        let groups = Dictionary(grouping: files) { $0.folders.joined(separator: "/") }
        for (folder, files) in groups {
            #expect(folder.hasSuffix("Store/Migrations"), "\(folder) holds SQL files")
            var versions: [Int] = []
            for file in files {
                let last = file.path.split(separator: "/").last.map(String.init) ?? ""
                let match = try name.wholeMatch(in: last)
                let digits = match?.output[1].substring ?? ""
                #expect(match != nil, "\(file) is not named like V0001_create_rewards.sql")
                versions.append(Int(digits) ?? 0)
                #expect(file.text.hasPrefix("--"), "\(file) does not begin with a comment")
            }
            #expect(
                versions.sorted() == Array(1...versions.count), "\(folder): \(versions.sorted())")
        }
    }

    private static func withoutComment(_ line: Substring) -> String {
        guard let comment = line.range(of: "--") else { return String(line) }
        return String(line[..<comment.lowerBound])
    }
}
