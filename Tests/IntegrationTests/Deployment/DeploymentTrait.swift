import TestKit
import Testing

/// Gives a suite, with all suites inside it, a deployment of its own: started before its first test
/// and stopped after its last. What a test throws comes with the end of the services' logs.
struct DeploymentTrait: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func scopeProvider(for test: Test, testCase: Test.Case?) -> DeploymentTrait? { self }

    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        if let deployment = Deployment.current {
            guard testCase != nil else { return try await function() }
            do {
                try await function()
            } catch {
                Issue.record("\(String(reflecting: error))\n\(deployment.logTails())")
            }
            return
        }
        let deployment = try await Deployment.start()
        do {
            try await Deployment.$current.withValue(deployment) { try await function() }
        } catch {
            try? await deployment.stop()
            throw error
        }
        try await deployment.stop()
    }
}

extension Trait where Self == DeploymentTrait {
    /// The suite has a deployment of its own.
    static var deployment: DeploymentTrait { DeploymentTrait() }
}
