import Contracts
import DurableKit
import HTTPKit
import Kernel
import ServiceKit

/// `POST /v1/portal/runs/{run_id}/retry`: a run that failed goes on where it was.
struct RetryRun: Sendable {
    let runs: RunStore
    let engine: WorkflowEngine
    let context: ServiceContext

    func respond(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse
    {
        let id: RunID = try request.pathParameters.id("run_id")
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            transaction in
            guard let run = try await runs.lock(id, of: principal.clientID, in: transaction) else {
                throw WorkflowFailure.notFound
            }
            do {
                try await engine.retry(id, in: transaction)
            } catch let error as DurableError where error.code == .wrongState {
                throw WorkflowFailure.notFailed(run.status)
            }
            guard
                let reopened = try await runs.reopen(
                    id, of: principal.clientID, in: transaction)
            else { throw WorkflowFailure.notFound }
            return try StoredResponse.json(reopened)
        }
        engine.wake()
        return answer.response
    }
}

/// What members ask for and cannot have.
enum WorkflowFailure: Error, Sendable, Hashable {
    case notFound
    case notFailed(RunPhase)
}

/// The one mapping of this service's failures to what callers see.
extension WorkflowFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .notFound: .notFound("run")
        case .notFailed(let status):
            .conflict(
                "run_not_failed", "A run that is \(status.rawValue) cannot be tried again.")
        }
    }
}
