import Contracts
import DurableKit
import HTTPKit
import Kernel
import ServiceKit

/// The routes that only read.
struct ReadRuns: Sendable {
    let runs: RunStore
    let engine: WorkflowEngine

    /// `GET /v1/portal/runs?campaign_id=&status=&subject=`, newest first.
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        let page = try request.query.page()
        let before = try Self.parameter("cursor", of: request) { RunID($0) }
        let filter = RunFilter(
            campaignID: try Self.parameter("campaign_id", of: request) { CampaignID($0) },
            status: try Self.parameter("status", of: request) { RunPhase(rawValue: $0) },
            subject: request.query["subject"])
        let rows = try await runs.list(
            of: principal.clientID, filter, before: before, limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.runID.description })
    }

    /// `GET /v1/portal/runs/{run_id}`, with its steps.
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        let id: RunID = try request.pathParameters.id("run_id")
        guard let run = try await runs.find(id, of: principal.clientID) else {
            throw WorkflowFailure.notFound
        }
        return .json(RunDetails(run: run, steps: try await engine.steps(of: id).map(RunStep.init)))
    }

    /// Throws 400 for a value that cannot be read.
    private static func parameter<Value>(
        _ name: String, of request: HTTPRequest, _ read: (String) -> Value?
    ) throws(Problem) -> Value? {
        guard let text = request.query[name] else { return nil }
        guard let value = read(text) else {
            throw .badRequest(
                "invalid_\(name)", "'\(text.prefix(50))' is not a valid \(name).",
                pointer: "?\(name)")
        }
        return value
    }
}

/// A run with what it has done so far.
struct RunDetails: Sendable, Encodable {
    let run: CampaignRun
    let steps: [RunStep]

    private enum CodingKeys: String, CodingKey { case steps }

    /// One flat object.
    func encode(to encoder: any Encoder) throws {
        try run.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(steps, forKey: .steps)
    }
}

/// One step of a run.
struct RunStep: Sendable, Encodable {
    enum Status: String, Encodable { case done, failed, retrying }

    /// `eligibility`, `notify:referrer:thanks`, …
    let name: String
    let status: Status
    let finishedAt: Timestamp?
    /// Attempts that failed, of a step that is still tried.
    let failures: Int
    let nextAttemptAt: Timestamp?
    /// Why it failed, finally or the last time.
    let code: String?
    let detail: String?

    init(_ step: StepStatus) {
        name = step.name
        status = step.recordedAt == nil ? .retrying : step.failure == nil ? .done : .failed
        finishedAt = step.recordedAt
        failures = step.failures
        nextAttemptAt = step.nextAttemptAt
        code = step.failure?.code
        detail = step.failure?.detail
    }

    private enum CodingKeys: String, CodingKey {
        case name, status, failures, code, detail
        case finishedAt = "finished_at"
        case nextAttemptAt = "next_attempt_at"
    }
}
