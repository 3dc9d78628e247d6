import Foundation

/// The files of this repository, as the tidy tests read them.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What git ignores at the top, and git itself.
    static let ignoredAtTop: Set<String> = [
        ".git", ".build", ".local", ".swiftpm", ".venv", ".vscode", "default.profraw",
    ]

    /// Every file below the given folders whose name ends in one of the endings.
    static func files(below folders: [String], endings: [String]) throws -> [SourceFile] {
        try folders.flatMap { try files(below: $0, endings: endings) }
    }

    private static func files(below folder: String, endings: [String]) throws -> [SourceFile] {
        let start = root.appending(path: folder)
        guard FileManager.default.fileExists(atPath: start.path) else { return [] }
        let paths = try FileManager.default.subpathsOfDirectory(atPath: start.path)
        return try paths.sorted().compactMap { path in
            guard endings.contains(where: { path.hasSuffix($0) }),
                !path.contains(".build/"), !path.contains(".venv/"), !path.contains("__pycache__")
            else { return nil }
            let text = try String(contentsOf: start.appending(path: path), encoding: .utf8)
            return SourceFile(path: "\(folder)/\(path)", text: text)
        }
    }

    static func swift(below folders: [String] = ["Services", "Shared", "Tests"]) throws
        -> [SourceFile]
    {
        try files(below: folders, endings: [".swift"])
    }

    static func entries(of folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: root.appending(path: folder).path
        ).sorted()
    }

    /// The folders in `Services` that are services, by their `<Name>Service.swift`.
    static func services() throws -> [String] {
        try entries(of: "Services").filter { name in
            let wiring = root.appending(path: "Services/\(name)/\(name)Service.swift")
            return FileManager.default.fileExists(atPath: wiring.path)
        }
    }
}

/// One file: its path from the root and its text.
struct SourceFile: CustomStringConvertible {
    let path: String
    let text: String

    var description: String { path }
    var folders: [String] { path.split(separator: "/").dropLast().map(String.init) }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The modules that the file imports, whatever the access level or attribute.
    var imports: [String] {
        CodeText(text).code.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
                words[..<position].allSatisfy({ Self.beforeImport.contains(String($0)) })
            else { return nil }
            let isKind = ["struct", "class", "enum", "func", "protocol", "var", "let", "typealias"]
                .contains(String(words[position + 1]))
            guard let name = words.dropFirst(position + (isKind ? 2 : 1)).first else { return nil }
            return name.split(separator: ".").first.map(String.init)
        }
    }

    private static let beforeImport: Set<String> = [
        "package", "public", "internal", "private", "fileprivate", "@testable", "@preconcurrency",
        "@_exported", "@_implementationOnly",
    ]
}
