import DurableKit
import Foundation
import Kernel
import Synchronization

/// Somebody outside whose effects are counted as they see them: once per idempotency key.
final class Callee: Sendable {
    private let calls = Mutex<[String: Int]>([:])

    /// Does the effect unless the key had it, and returns what the key always returns.
    @discardableResult
    func call(_ attempt: StepAttempt) -> String {
        calls.withLock { $0[attempt.idempotencyKey, default: 0] += 1 }
        return attempt.idempotencyKey
    }

    /// Distinct effects.
    var effects: Int { calls.withLock { $0.count } }
    /// Every call, repeats included.
    var total: Int { calls.withLock { $0.values.reduce(0, +) } }
    var keys: Set<String> { calls.withLock { Set($0.keys) } }

    /// How often the step with this name was called, over all runs.
    func calls(ofStep name: String) -> Int {
        calls.withLock { calls in
            calls.filter { $0.key.hasSuffix(":\(name)") }.values.reduce(0, +)
        }
    }
}

/// A workflow whose code is given by the test.
struct Script: Workflow {
    static let name = "script"
    let body: @Sendable (WorkflowContext, String) async throws -> String

    init(_ body: @escaping @Sendable (WorkflowContext, String) async throws -> String) {
        self.body = body
    }

    func run(_ context: WorkflowContext, _ input: String) async throws -> String {
        try await body(context, input)
    }
}

/// A door that opens once; whoever waits in front of it can be counted.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting = 0
    }

    private let state = Mutex(State())

    var waiting: Int { state.withLock { $0.waiting } }
    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() { state.withLock { $0.isOpen = true } }

    /// Ends when the door opens, whether or not the task is cancelled.
    func passStubbornly() async {
        state.withLock { $0.waiting += 1 }
        while !isOpen {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + 0.002) {
                    continuation.resume()
                }
            }
        }
    }

    /// Ends when the door opens; throws when the task is cancelled.
    func pass() async throws {
        state.withLock { $0.waiting += 1 }
        while !isOpen { try await Task.sleep(for: .milliseconds(2)) }
    }
}
