import Synchronization

/// Wakes one loop; signals that come while it is busy fold into one.
final class Signal: Sendable {
    /// Why the loop wakes.
    struct Causes: OptionSet, Sendable {
        let rawValue: Int

        /// Something is there.
        static let work = Causes(rawValue: 1)
        /// Time to look.
        static let tick = Causes(rawValue: 2)
    }

    private let causes = Mutex<Causes>([])
    private let continuation: AsyncStream<Void>.Continuation
    /// For the one loop.
    let stream: AsyncStream<Void>

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func send(_ cause: Causes) {
        causes.withLock { $0.formUnion(cause) }
        continuation.yield()
    }

    /// All causes since the last call.
    func take() -> Causes {
        causes.withLock { causes in
            defer { causes = [] }
            return causes
        }
    }
}
