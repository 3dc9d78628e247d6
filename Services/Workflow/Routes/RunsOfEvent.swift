import Contracts
import Kernel

/// `POST /internal/runs/of-event`: what an event of the log started.
struct RunsOfEvent: Sendable {
    private static let maximumRuns = 100

    let runs: RunStore

    func respond(_ input: EventRunsRequest) async throws -> EventRunsResponse {
        let found = try await runs.started(
            by: input.position, of: input.clientID, limit: Self.maximumRuns)
        return EventRunsResponse(
            runs: found.map { run in
                EventRun(
                    runID: run.runID, campaignID: run.campaignID, pulse: run.pulse,
                    status: run.status.rawValue, outcome: run.outcome, startedAt: run.startedAt,
                    finishedAt: run.finishedAt)
            })
    }
}
