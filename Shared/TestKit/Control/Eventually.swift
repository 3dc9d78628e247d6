package import Testing

/// Polls until the condition holds; the way to wait for anything that happens elsewhere.
///
/// - Parameters:
///   - what: what is waited for, as words for the failure.
///   - limit: how long it may take before `NotInTime` is thrown.
///
/// An error that the condition throws counts as "not yet" and is told when time is up.
package func eventually(
    _ what: String, within limit: Duration = .seconds(10),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    _ = try await eventually(what, within: limit, sourceLocation: sourceLocation) {
        try await condition() ? true : nil
    }
}

/// Polls until there is a value, and gives it back. See above.
package func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(10),
    sourceLocation: SourceLocation = #_sourceLocation,
    value: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    var lastError: (any Error)?
    var pause = Duration.milliseconds(2)
    while true {
        do {
            if let value = try await value() { return value }
            lastError = nil
        } catch { lastError = error }
        try Task.checkCancellation()
        guard clock.now < deadline else {
            throw NotInTime(
                what: what, limit: limit, lastError: lastError, location: sourceLocation)
        }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(50))
    }
}

/// What was waited for did not come true.
package struct NotInTime: Error, CustomStringConvertible {
    let what: String
    let limit: Duration
    let lastError: (any Error)?
    let location: SourceLocation

    package var description: String {
        let last = lastError.map { "; the last attempt threw: \(String(reflecting: $0))" } ?? ""
        return "Not within \(limit): \(what) (\(location.fileID):\(location.line))\(last)"
    }
}
