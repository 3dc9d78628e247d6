import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// Decides about conversions and books those that count: conversion, decision and message are one
/// transaction, and the key of the subject decides who was first.
///
/// What was read and judged is written only when both keys are still free; otherwise it is read and
/// judged again.
struct ConversionBooking: Sendable {
    /// How often a decision is made anew because somebody else's write came first. What is booked
    /// or decided stays so; each time one of the two keys is settled.
    private static let maximumAttempts = 4

    /// What the checks and the rows made of a request.
    private struct Result {
        let outcome: ConversionDecision.Outcome
        let reason: String?
        let conversionID: ConversionID?
        let referrerID: ParticipantID?
        let linkID: LinkID?
        let checks: [EligibilityCheck]
    }

    let conversions: ConversionStore
    let decisions: DecisionStore
    let outbox: Outbox
    let messages: ReferralMessages
    let world: World

    /// What would be decided now; keeps nothing.
    func preview(
        _ request: CheckConversionRequest, windowSeconds: Int
    ) async throws -> (ConversionDecision, reason: String?) {
        let standing = try await conversions.standing(request).0
        let result = try await result(request, standing, windowSeconds)
        let decision = ConversionDecision(
            outcome: result.outcome, decisionID: nil, conversionID: result.conversionID,
            referrerID: result.referrerID, linkID: result.linkID, checks: result.checks)
        return (decision, result.reason)
    }

    /// The key's decision, made now unless it was made before.
    ///
    /// Throws `ReferralFailure.keyReused` when the key's decision is about something else.
    func decide(
        _ request: CheckConversionRequest, windowSeconds: Int, key: String
    ) async throws -> ConversionDecision {
        for _ in 0..<Self.maximumAttempts {
            let (standing, decided) = try await conversions.standing(request, key: key)
            if let decided { return try Self.answer(decided, to: request) }
            do {
                let decision = try await book(request, standing, windowSeconds, key)
                world.faults.reach(ReferralCrashPoint.conversionAfterCommit)
                return decision
            } catch let error as PostgresError where error.code == .uniqueViolation {
                // Somebody was first, for the subject or the key, and has committed: look again.
                continue
            }
        }
        throw Problem.unavailable()
    }

    /// Conversion, decision and message in one round trip: all, or none when one of the keys is
    /// taken.
    private func book(
        _ request: CheckConversionRequest, _ standing: ConversionStanding, _ windowSeconds: Int,
        _ key: String
    ) async throws -> ConversionDecision {
        let decisionID = world.ids.next(ConversionDecisionID.self)
        var result = try await result(request, standing, windowSeconds)
        var statements: [SQL] = []
        var messages: [LogMessage] = []
        if standing.existing == nil, result.outcome == .converted, let claim = standing.claim {
            let conversionID = world.ids.next(ConversionID.self)
            result = Result(
                outcome: .converted, reason: nil, conversionID: conversionID,
                referrerID: claim.referrerID, linkID: claim.linkID, checks: result.checks)
            statements.append(
                ConversionStore.insertion(
                    conversionID, request, claim, decision: decisionID, at: standing.now))
            messages.append(try announcement(conversionID, request, claim, standing.now))
        }
        let new = NewDecision(
            decisionID: decisionID, request: request, outcome: result.outcome,
            reason: result.reason, conversionID: result.conversionID,
            referrerID: result.referrerID, linkID: result.linkID, checks: result.checks,
            inputs: Self.inputs(request, standing, windowSeconds), requestKey: key,
            decidedAt: standing.now)
        statements.append(try DecisionStore.insertion(new))
        world.faults.reach(ReferralCrashPoint.conversionBeforeCommit)
        try await outbox.write(statements, telling: messages)
        return new.decision
    }

    /// A conversion that is booked stands, whatever is known now: a repeat gets it with the checks
    /// that it was booked on.
    private func result(
        _ request: CheckConversionRequest, _ standing: ConversionStanding, _ windowSeconds: Int
    ) async throws -> Result {
        if let existing = standing.existing, existing.participantID == request.participantID {
            let first = try await decisions.find(existing.decisionID, of: request.clientID)
            return Result(
                outcome: .converted, reason: nil, conversionID: existing.conversionID,
                referrerID: existing.referrerID, linkID: existing.linkID,
                checks: first?.checks ?? [])
        }
        let judgement = ConversionRules.judge(
            ConversionInputs(
                participantID: request.participantID, claim: standing.claim,
                occurredAt: request.occurredAt, windowSeconds: windowSeconds,
                sharesEmail: standing.sharesEmail, sharesVisitor: standing.sharesVisitor,
                subjectOwner: standing.existing?.participantID))
        let isConverted = judgement.outcome == .converted
        return Result(
            outcome: judgement.outcome, reason: judgement.reason, conversionID: nil,
            referrerID: isConverted ? standing.claim?.referrerID : nil,
            linkID: isConverted ? standing.claim?.linkID : nil, checks: judgement.checks)
    }

    private func announcement(
        _ conversionID: ConversionID, _ request: CheckConversionRequest,
        _ claim: ConversionInputs.Claim, _ now: Timestamp
    ) throws -> LogMessage {
        let activity = ReferralActivity(
            linkID: claim.linkID, code: claim.code, referrerID: claim.referrerID,
            participantID: request.participantID, clickID: claim.clickID,
            conversionID: conversionID, kind: request.kind, subject: request.subject,
            value: request.value)
        return try messages.message(
            ReferralMessage.converted, activity, of: request.clientID,
            campaign: request.campaignID, subject: conversionID.description, at: now)
    }

    /// The key's decision. It must be about the same thing.
    private static func answer(
        _ known: StoredDecision, to request: CheckConversionRequest
    ) throws -> ConversionDecision {
        guard known.campaignID == request.campaignID, known.kind == request.kind,
            known.subject == request.subject, known.participantID == request.participantID,
            known.campaignRevision == request.revision
        else { throw ReferralFailure.keyReused }
        return known.decision
    }

    private static func inputs(
        _ request: CheckConversionRequest, _ standing: ConversionStanding, _ windowSeconds: Int
    ) -> JSONValue {
        var inputs: [String: JSONValue] = [
            "occurred_at": .string(request.occurredAt.description),
            "window_seconds": .number(JSONNumber(windowSeconds)),
            "shares_email": .bool(standing.sharesEmail),
            "shares_visitor": .bool(standing.sharesVisitor),
            "existing_conversion_id": standing.existing.map { .string($0.conversionID.description) }
                ?? .null,
            "run_id": request.runID.map { .string($0.description) } ?? .null,
        ]
        if let value = request.value {
            inputs["value"] = [
                "units": .string(String(value.units)), "asset": .string(value.asset.code),
            ]
        }
        if let claim = standing.claim {
            inputs["touch"] = [
                "referrer_id": .string(claim.referrerID.description),
                "link_id": .string(claim.linkID.description),
                "code": .string(claim.code),
                "click_id": claim.clickID.map { .string($0.description) } ?? .null,
                "touched_at": .string(claim.touchedAt.description),
                "trust": .string(claim.trust.rawValue),
                "refusal": claim.refusal.map { .string($0.rawValue) } ?? .null,
            ]
        }
        return .object(inputs)
    }
}
