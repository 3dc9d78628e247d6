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

/// A decision that was just made for a call.
struct NewDecision: Sendable {
    let id: DecisionID
    let call: CheckCall
    let verdict: Verdict

    /// The decision, with its id.
    var decision: EligibilityDecision {
        EligibilityDecision(
            decisionID: id.description, eligible: verdict.decision.eligible,
            checks: verdict.decision.checks, campaignRevision: verdict.decision.campaignRevision,
            decidedAt: verdict.decision.decidedAt)
    }
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

    /// The decisions that these calls' keys have already; nil for those that have none.
    func find(_ calls: [CheckCall]) async throws -> [StoredDecision?] {
        try Self.found(
            try await postgres.pipeline([LedgerWriting.byKey, Self.question(calls)])[1],
            of: calls.count)
    }

    /// What `find` asks, to travel with other questions.
    static func question(_ calls: [CheckCall]) -> SQL {
        """
        select asked.place, decision.*
        from unnest(
            \(calls.map(\.clientID))::uuid[], \(calls.map(\.requestKey))::text[]
        ) with ordinality as asked (client_id, request_key, place)
        cross join lateral (
            select \(columns) from eligibility_decision kept
            where kept.client_id = asked.client_id and kept.request_key = asked.request_key
            limit 1) decision
        """
    }

    /// Reads the answer to the question.
    static func found(_ rows: [Row], of count: Int) throws -> [StoredDecision?] {
        var found = [StoredDecision?](repeating: nil, count: count)
        for row in rows {
            let place: Int = try row.get("place")
            found[place - 1] = try StoredDecision(row)
        }
        return found
    }

    /// Stores decisions, except where their key has one. Returns those that it did store.
    func insert(_ new: [NewDecision]) async throws -> Set<DecisionID> {
        if new.isEmpty { return [] }
        let decisions = new.map(\.verdict.decision)
        let checks = try decisions.map { decision in
            // The checks quote what the event said.
            let said = try JSONCoding.parse(try JSONCoding.encode(decision.checks))
            return JSONB(try JSONCoding.encode(said.storable))
        }
        let inputs = try new.map { JSONB(try JSONCoding.encode($0.verdict.inputs)) }
        faults.reach(RewardCrashPoint.checkBeforeCommit)
        let rows = try await postgres.query(
            """
            insert into eligibility_decision (
                decision_id, client_id, campaign_id, campaign_revision, participant_id, subject,
                eligible, checks, inputs, request_key, decided_at)
            select * from unnest(
                \(new.map(\.id))::uuid[], \(new.map(\.call.clientID))::uuid[],
                \(new.map(\.call.campaign.campaignID))::uuid[],
                \(decisions.map { Int32(clamping: $0.campaignRevision) })::integer[],
                \(new.map(\.call.participantID))::uuid[], \(new.map(\.call.subject))::text[],
                \(decisions.map(\.eligible))::boolean[], \(checks)::jsonb[], \(inputs)::jsonb[],
                \(new.map(\.call.requestKey))::text[],
                \(decisions.map(\.decidedAt))::timestamptz[])
            on conflict (client_id, request_key) do nothing
            returning decision_id
            """)
        var stored: Set<DecisionID> = []
        for row in rows { stored.insert(try row.get("decision_id")) }
        return stored
    }
}
