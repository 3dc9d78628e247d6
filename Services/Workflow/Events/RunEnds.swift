import Contracts
import DurableKit
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit

/// What follows from the end of runs, in the transaction that ends them: the members' view and the
/// message to the others.
struct RunEnds: Sendable {
    let outbox: Outbox

    func record(_ runs: [FinishedRun], _ transaction: Transaction) async throws {
        let ends = try runs.map { run in try EndedRun(run) }
        try await RunStore.end(ends, in: transaction)
        try await outbox.append(try ends.map { try $0.message() }, in: transaction)
    }
}

/// One run at its end, with what is written down of it.
struct EndedRun {
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

    /// The rewards as an array of PostgreSQL.
    var rewardIDs: String {
        "{\(end.rules.compactMap(\.rewardID).map(\.uuid.uuidString).joined(separator: ","))}"
    }

    /// A run that failed may go on and end again, so the end's time is part of the message's id.
    func message() throws -> LogMessage {
        let outcome = WorkflowOutcome(
            runID: run.runID, campaignID: input.campaignID, pulse: input.pulse,
            subject: input.subject, outcome: end.outcome,
            rewardIDs: end.rules.compactMap(\.rewardID))
        return LogMessage(
            id: "\(run.runID)/\(run.finishedAt.microseconds)",
            type: end.status == .completed ? WorkflowMessage.completed : WorkflowMessage.failed,
            clientID: input.clientID, campaignID: input.campaignID,
            subject: run.runID.description, occurredAt: run.finishedAt + run.clockOffset,
            data: try JSONCoding.parse(try JSONCoding.encode(outcome)),
            traceparent: run.traceparent)
    }
}
