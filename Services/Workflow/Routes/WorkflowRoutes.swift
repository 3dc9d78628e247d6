import Contracts
package import HTTPKit
import Kernel
import ServiceKit

extension WorkflowService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        let read = ReadRuns(runs: runs, engine: engine)
        let retry = RetryRun(runs: runs, engine: engine, context: context)
        router.group(context.audiences.portal) { group in
            group.get("/runs", handler: read.list)
            group.get("/runs/{run_id}", handler: read.one)
            group.post("/runs/{run_id}/retry", limits: .noBody, handler: retry.respond)
        }
        let ofEvent = RunsOfEvent(runs: runs)
        router.group(context.audiences.internal) { group in
            group.on(WorkflowContracts.runsOfEvent) { input, _, _ in
                try await ofEvent.respond(input)
            }
        }
    }
}
