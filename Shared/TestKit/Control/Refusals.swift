import HTTPKit
package import Testing

/// Expects that a call is refused with a code, and that trying again would not help.
package func expectRefusal(
    _ code: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () async throws -> some Sendable
) async {
    do {
        _ = try await call()
        Issue.record("The call was not refused.", sourceLocation: sourceLocation)
    } catch let error as PeerError {
        #expect(error.code == code, sourceLocation: sourceLocation)
        #expect(!error.isRetryable, sourceLocation: sourceLocation)
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
}
