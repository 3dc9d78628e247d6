import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// A decision as it is stored.
struct StoredDecision: Sendable {
    let decision: EligibilityDecision
    let campaignID: CampaignID
    let participantID: ParticipantID
    let subject: String
    let inputs: JSONValue

    init(_ row: Row) throws {
        let id: DecisionID = try row.get("decision_id")
        let checks: JSONB = try row.get("checks")
        let inputs: JSONB = try row.get("inputs")
        decision = EligibilityDecision(
            decisionID: id.description, eligible: try row.get("eligible"),
            checks: try JSONCoding.decode(from: checks.bytes, strictness: .lenient),
            campaignRevision: try row.get("campaign_revision"),
            decidedAt: try row.get("decided_at"))
        campaignID = try row.get("campaign_id")
        participantID = try row.get("participant_id")
        subject = try row.get("subject")
        self.inputs = try JSONCoding.parse(inputs.bytes)
    }
}

/// A decision that was just made.
struct NewDecision: Sendable {
    let id: DecisionID
    let clientID: ClientID
    let campaignID: CampaignID
    let participantID: ParticipantID
    let subject: String
    let decision: EligibilityDecision
    let inputs: JSONValue
    /// Who asks, so that each asking has one decision.
    let requestKey: String
}

/// Keeps decisions with all that they were made from.
struct DecisionStore: Sendable {
    let postgres: PostgresClient
    let faults: any FaultInjector

    private static let columns: SQL = """
        decision_id, campaign_id, campaign_revision, participant_id, subject, eligible, checks,
        inputs, decided_at
        """

    func find(_ decision: DecisionID, of client: ClientID) async throws -> StoredDecision? {
        let row = try await postgres.queryOne(
            """
            select \(Self.columns) from eligibility_decision
            where client_id = \(client) and decision_id = \(decision)
            """)
        return try row.map(StoredDecision.init)
    }

    func find(requestKey: String, of client: ClientID) async throws -> StoredDecision? {
        let row = try await postgres.queryOne(
            """
            select \(Self.columns) from eligibility_decision
            where client_id = \(client) and request_key = \(requestKey)
            """)
        return try row.map(StoredDecision.init)
    }

    /// Stores the decision unless its key has one. Returns whether it did.
    func insert(_ new: NewDecision) async throws -> Bool {
        // The checks quote what the event said.
        let said = try JSONCoding.parse(try JSONCoding.encode(new.decision.checks))
        let checks = JSONB(try JSONCoding.encode(said.storable))
        let inputs = JSONB(try JSONCoding.encode(new.inputs))
        return try await postgres.withTransaction { transaction in
            let rows = try await transaction.execute(
                """
                insert into eligibility_decision (
                    decision_id, client_id, campaign_id, campaign_revision, participant_id,
                    subject, eligible, checks, inputs, request_key, decided_at)
                values (\(new.id), \(new.clientID), \(new.campaignID),
                    \(new.decision.campaignRevision), \(new.participantID), \(new.subject),
                    \(new.decision.eligible), \(checks), \(inputs), \(new.requestKey),
                    \(new.decision.decidedAt))
                on conflict (client_id, request_key) do nothing
                """)
            faults.reach(RewardCrashPoint.checkBeforeCommit)
            return rows == 1
        }
    }
}
