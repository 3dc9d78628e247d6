import Contracts
import Kernel
import PostgresKit

/// What became of an attempt.
enum GrantOutcome: Sendable {
    case rewarded(RewardSummary)
    case refused(String)
    /// Its decision is stored and says no.
    case notEligible
    /// There is no decision about this.
    case mismatch
    /// It could be given now: what stood in the way is gone.
    case open
}

/// Records attempts that gave nothing, and tells what became of attempts.
struct RefusalStore: Sendable {
    let postgres: PostgresClient
    let world: World

    /// One outcome per grant, in their order. The grants are of one client, campaign and revision.
    func outcomes(_ grants: [Grant]) async throws(PostgresError) -> [GrantOutcome] {
        var outcomes: [GrantOutcome] = []
        for row in try await postgres.query(GrantSQL.outcomes(grants)) {
            outcomes.append(try GrantOutcome(row))
        }
        return outcomes
    }

    /// Records a refusal; a reward or refusal that is there by now stands.
    func refuse(_ grant: Grant, _ reason: RefusalReason) async throws(PostgresError) {
        let time = BusinessTime.of(grant.clientID, at: world.clock.now())
        // One transaction on a shared connection; each statement sees what committed before it
        // began, so the second sees what the holder of the lock before us did.
        _ = try await postgres.pipeline([
            GrantSQL.lock([grant.key]),
            GrantSQL.refuse(grant, reason, at: time, id: world.ids.next()),
        ])
    }
}

extension GrantOutcome {
    fileprivate init(_ row: Row) throws(PostgresError) {
        if try row.get("has_reward") {
            self = .rewarded(try RewardRow(row: row).summary)
        } else if let reason: String = try row.get("reason") {
            self = .refused(reason)
        } else if let eligible: Bool = try row.get("eligible") {
            self = eligible ? .open : .notEligible
        } else {
            self = .mismatch
        }
    }
}
