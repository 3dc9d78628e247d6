package import Kernel

/// An error that knows how a caller should see it.
///
/// Domain errors conform once per service. The server answers any other error with 500
/// `internal_error` and logs what it was.
package protocol ProblemConvertible: Error {
    /// What the caller is told; nothing internal goes in.
    var problem: Problem { get }
}

extension Problem: ProblemConvertible {
    /// Itself.
    package var problem: Problem { self }
}
