import FoundationEssentials

/// Where this checkout and what was built from it are.
package enum Repository {
    /// The directory of `Package.swift`.
    package static let root: String = {
        // Shared/TestKit/Repository.swift
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// An executable of this package (`client-service`), from the same build as the running test.
    package static func executable(_ name: String) throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let beside = own.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        for directory in [beside, "\(root)/.build/debug"] {
            let path = "\(directory)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw ProcessError("There is no executable \(name). Build it first: swift build")
    }

    /// A new directory below `.local/test/scratch` for files that a test leaves to be looked at.
    package static func scratchDirectory(_ name: String) throws -> String {
        let path = "\(root)/.local/test/scratch/\(name)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        return path
    }
}
