import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// A decision about a conversion as it is stored.
struct StoredDecision: Sendable, RowDecodable {
    let decisionID: ConversionDecisionID
    let campaignID: CampaignID
    let campaignRevision: Int
    let kind: ConversionKind
    let participantID: ParticipantID
    let subject: String
    let outcome: ConversionDecision.Outcome
    let reason: String?
    let conversionID: ConversionID?
    let referrerID: ParticipantID?
    let linkID: LinkID?
    let checks: [EligibilityCheck]
    let ruleVersion: Int
    let inputs: JSONValue
    let decidedAt: Timestamp

    static let columns: SQL = """
        decision.decision_id, decision.campaign_id, decision.campaign_revision, decision.kind,
        decision.participant_id, decision.subject, decision.outcome, decision.reason,
        decision.conversion_id, decision.referrer_id, decision.link_id, decision.checks,
        decision.rule_version, decision.inputs, decision.decided_at
        """

    init(row: Row) throws(PostgresError) {
        decisionID = try row.get("decision_id")
        campaignID = try row.get("campaign_id")
        campaignRevision = try row.get("campaign_revision")
        kind = try row.get("kind")
        participantID = try row.get("participant_id")
        subject = try row.get("subject")
        outcome = try row.get("outcome")
        reason = try row.get("reason")
        conversionID = try row.get("conversion_id")
        referrerID = try row.get("referrer_id")
        linkID = try row.get("link_id")
        ruleVersion = try row.get("rule_version")
        decidedAt = try row.get("decided_at")
        let checks: JSONB = try row.get("checks")
        let inputs: JSONB = try row.get("inputs")
        do {
            self.checks = try JSONCoding.decode(from: checks.bytes, strictness: .lenient)
            self.inputs = try JSONCoding.parse(inputs.bytes)
        } catch {
            throw .unreadable("a decision")
        }
    }

    /// What callers are told.
    var decision: ConversionDecision {
        ConversionDecision(
            outcome: outcome, decisionID: decisionID.description, conversionID: conversionID,
            referrerID: referrerID, linkID: linkID, checks: checks)
    }
}

/// A decision that was just made.
struct NewDecision: Sendable {
    let decisionID: ConversionDecisionID
    let request: CheckConversionRequest
    let outcome: ConversionDecision.Outcome
    let reason: String?
    let conversionID: ConversionID?
    let referrerID: ParticipantID?
    let linkID: LinkID?
    let checks: [EligibilityCheck]
    let inputs: JSONValue
    /// Who asks, so that each asking has one decision.
    let requestKey: String
    let decidedAt: Timestamp

    var decision: ConversionDecision {
        ConversionDecision(
            outcome: outcome, decisionID: decisionID.description, conversionID: conversionID,
            referrerID: referrerID, linkID: linkID, checks: checks)
    }
}

/// Keeps decisions with all that they were made from.
struct DecisionStore: Sendable {
    let postgres: PostgresClient

    func find(
        _ decision: ConversionDecisionID, of client: ClientID
    ) async throws -> StoredDecision? {
        try await postgres.queryOne(
            """
            select \(StoredDecision.columns) from conversion_decision decision
            where client_id = \(client) and decision_id = \(decision)
            """)
    }

    /// The key's decision.
    static func select(requestKey: String, of client: ClientID) -> SQL {
        """
        select \(StoredDecision.columns) from conversion_decision decision
        where client_id = \(client) and request_key = \(requestKey)
        """
    }

    /// Stores the decision. When its key has one, `conversion_decision_once` is violated.
    static func insertion(_ new: NewDecision) throws -> SQL {
        let request = new.request
        let checks = JSONB(try JSONCoding.encode(new.checks))
        let inputs = JSONB(try JSONCoding.encode(new.inputs))
        return """
            insert into conversion_decision (decision_id, client_id, campaign_id,
                campaign_revision, kind, participant_id, subject, outcome, reason, conversion_id,
                referrer_id, link_id, checks, rule_version, inputs, request_key, decided_at)
            values (\(new.decisionID), \(request.clientID), \(request.campaignID),
                \(request.revision), \(request.kind), \(request.participantID),
                \(request.subject), \(new.outcome), \(new.reason), \(new.conversionID),
                \(new.referrerID), \(new.linkID), \(checks), \(ConversionRules.version),
                \(inputs), \(new.requestKey), \(new.decidedAt))
            """
    }
}
