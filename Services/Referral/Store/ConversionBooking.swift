import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// Decides about conversions and books those that count: conversion, decision and message are one
/// transaction, and the key of the subject decides who was first.
struct ConversionBooking: Sendable {
    /// Another transaction stored this key's decision meanwhile; ours is rolled back.
    private struct TwinDecided: Error {}

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
        let standing = try await conversions.standing(request, in: conversions.postgres)
        let result = try await result(request, standing, standing.existing, windowSeconds)
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
        if let known = try await stored(key, request) { return known }
        do {
            let decision = try await conversions.postgres.withTransaction { transaction in
                try await decide(request, windowSeconds, key, in: transaction)
            }
            world.faults.reach(ReferralCrashPoint.conversionAfterCommit)
            return decision
        } catch is TwinDecided {
            guard let known = try await stored(key, request) else { throw Problem.unavailable() }
            return known
        }
    }

    private func decide(
        _ request: CheckConversionRequest, _ windowSeconds: Int, _ key: String,
        in transaction: Transaction
    ) async throws -> ConversionDecision {
        let standing = try await conversions.standing(request, in: transaction)
        let decisionID = world.ids.next(ConversionDecisionID.self)
        var existing = standing.existing
        var result = try await result(request, standing, existing, windowSeconds)
        if existing == nil, result.outcome == .converted, let claim = standing.claim {
            let conversionID = world.ids.next(ConversionID.self)
            let isBooked = try await conversions.insert(
                conversionID, request, claim, decision: decisionID, at: standing.now,
                in: transaction)
            if isBooked {
                result = Result(
                    outcome: .converted, reason: nil, conversionID: conversionID,
                    referrerID: claim.referrerID, linkID: claim.linkID, checks: result.checks)
                try await announce(conversionID, request, claim, standing.now, in: transaction)
            } else {
                // Somebody was first, and has committed: else the insert would still wait.
                existing = try await conversions.find(request, in: transaction)
                result = try await self.result(request, standing, existing, windowSeconds)
            }
        }
        let new = NewDecision(
            decisionID: decisionID, request: request, outcome: result.outcome,
            reason: result.reason, conversionID: result.conversionID,
            referrerID: result.referrerID, linkID: result.linkID, checks: result.checks,
            inputs: Self.inputs(request, standing, existing, windowSeconds), requestKey: key,
            decidedAt: standing.now)
        guard try await decisions.insert(new, in: transaction) else { throw TwinDecided() }
        world.faults.reach(ReferralCrashPoint.conversionBeforeCommit)
        return new.decision
    }

    /// A conversion that is booked stands, whatever is known now: a repeat gets it with the checks
    /// that it was booked on.
    private func result(
        _ request: CheckConversionRequest, _ standing: ConversionStanding,
        _ existing: ConversionRow?, _ windowSeconds: Int
    ) async throws -> Result {
        if let existing, existing.participantID == request.participantID {
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
                subjectOwner: existing?.participantID))
        let isConverted = judgement.outcome == .converted
        return Result(
            outcome: judgement.outcome, reason: judgement.reason, conversionID: nil,
            referrerID: isConverted ? standing.claim?.referrerID : nil,
            linkID: isConverted ? standing.claim?.linkID : nil, checks: judgement.checks)
    }

    private func announce(
        _ conversionID: ConversionID, _ request: CheckConversionRequest,
        _ claim: ConversionInputs.Claim, _ now: Timestamp, in transaction: Transaction
    ) async throws {
        let activity = ReferralActivity(
            linkID: claim.linkID, code: claim.code, referrerID: claim.referrerID,
            participantID: request.participantID, clickID: claim.clickID,
            conversionID: conversionID, kind: request.kind, subject: request.subject,
            value: request.value)
        let message = try messages.message(
            ReferralMessage.converted, activity, of: request.clientID,
            campaign: request.campaignID, subject: conversionID.description, at: now)
        try await outbox.append([message], in: transaction)
    }

    /// The key's decision. It must be about the same thing.
    private func stored(
        _ key: String, _ request: CheckConversionRequest
    ) async throws -> ConversionDecision? {
        guard let known = try await decisions.find(requestKey: key, of: request.clientID) else {
            return nil
        }
        guard known.campaignID == request.campaignID, known.kind == request.kind,
            known.subject == request.subject, known.participantID == request.participantID,
            known.campaignRevision == request.revision
        else { throw ReferralFailure.keyReused }
        return known.decision
    }

    private static func inputs(
        _ request: CheckConversionRequest, _ standing: ConversionStanding,
        _ existing: ConversionRow?, _ windowSeconds: Int
    ) -> JSONValue {
        var inputs: [String: JSONValue] = [
            "occurred_at": .string(request.occurredAt.description),
            "window_seconds": .number(JSONNumber(windowSeconds)),
            "shares_email": .bool(standing.sharesEmail),
            "shares_visitor": .bool(standing.sharesVisitor),
            "existing_conversion_id": existing.map { .string($0.conversionID.description) }
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
