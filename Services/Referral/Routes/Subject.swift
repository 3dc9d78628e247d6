import Kernel

/// What was achieved, as callers write it.
enum Subject {
    static let maximumLength = 200

    /// Throws 400 for a subject that cannot be kept.
    static func check(_ subject: String) throws(Problem) {
        guard (1...maximumLength).contains(subject.unicodeScalars.count),
            !subject.utf8.contains(0)
        else {
            throw .invalid([
                .init(
                    pointer: "/subject", code: "invalid_value",
                    detail: "Use 1 to \(maximumLength) characters.")
            ])
        }
    }
}
