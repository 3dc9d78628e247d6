import Synchronization
import Testing

/// Collects answers that nobody should ever get: a failure of ours without a problem document.
final class Complaints: Sendable {
    private let answers = Mutex<[String]>([])

    func look(at answer: Answer) {
        guard answer.status >= 500, !answer.isProblemDocument else { return }
        answers.withLock { $0.append(answer.description) }
    }

    /// Fails the test when there are any, and forgets them.
    func expectNone(sourceLocation: SourceLocation = #_sourceLocation) {
        let answers = answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
        #expect(
            answers.isEmpty, "\(answers.count) answers of 5xx are no problem documents",
            sourceLocation: sourceLocation)
        for answer in answers.prefix(3) {
            Issue.record("\(answer)", sourceLocation: sourceLocation)
        }
    }
}
