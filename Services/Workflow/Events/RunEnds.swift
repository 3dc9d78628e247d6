import Contracts
import DurableKit
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit

/// What follows from the end of runs, in the transaction that ends them: the members' view and the
/// message to the others.
struct RunEnds: Sendable {
    let outbox: Outbox
    let clocks = ClientClockStore()

    func record(_ runs: [FinishedRun], _ transaction: Transaction) async throws {
        let ends = try runs.map { run in try Ended(run) }
        let offsets = try await clocks.offsets(
            of: Set(ends.map(\.input.clientID)), in: transaction)
        _ = try await transaction.pipeline(
            try ends.map { ended in
                try RunStore.end(
                    ended.run.runID, of: ended.input.clientID, ended.end,
                    at: ended.run.finishedAt)
            })
        try await outbox.append(
            try ends.map { try $0.message(offset: offsets[$0.input.clientID] ?? .zero) },
            in: transaction)
    }
}

/// One run at its end.
private struct Ended {
    let run: FinishedRun
    let input: PulseInput
    let end: RunEnd

    init(_ run: FinishedRun) throws {
        self.run = run
        input = try JSONCoding.decode(PulseInput.self, from: run.input, strictness: .lenient)
        guard run.state == .completed else {
            end = RunEnd(
                status: RunPhase(rawValue: run.state.rawValue) ?? .failed,
                outcome: run.failure?.code ?? run.state.rawValue, detail: run.failure?.detail)
            return
        }
        let result = try JSONCoding.decode(
            PulseResult.self, from: run.output, strictness: .lenient)
        end = RunEnd(
            status: .completed, outcome: result.outcome.rawValue, detail: result.explanation,
            rules: result.rules, conversion: result.conversion, link: result.link,
            notifications: result.notifications)
    }

    /// A run that failed may go on and end again, so the end's time is part of the message's id.
    func message(offset: Duration) throws -> LogMessage {
        let outcome = WorkflowOutcome(
            runID: run.runID, campaignID: input.campaignID, pulse: input.pulse,
            subject: input.subject, outcome: end.outcome,
            rewardIDs: end.rules.compactMap(\.rewardID))
        return LogMessage(
            id: "\(run.runID)/\(run.finishedAt.microseconds)",
            type: end.status == .completed ? WorkflowMessage.completed : WorkflowMessage.failed,
            clientID: input.clientID, campaignID: input.campaignID,
            subject: run.runID.description, occurredAt: run.finishedAt + offset,
            data: try JSONCoding.parse(try JSONCoding.encode(outcome)),
            traceparent: run.traceparent)
    }
}
