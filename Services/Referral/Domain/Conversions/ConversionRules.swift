import Contracts
import Kernel

/// What a decision about a conversion is made from. Gathered by the caller; deciding is pure.
struct ConversionInputs: Sendable {
    /// The touch that is claimed to have brought the participant, and whose link it was.
    struct Claim: Sendable, Hashable {
        let referrerID: ParticipantID
        let linkID: LinkID
        let code: String
        let clickID: ClickID?
        let touchedAt: Timestamp
        let trust: Trust
        /// Why it was not made an attribution; nil when it was.
        let refusal: TouchRefusal?
    }

    let participantID: ParticipantID
    /// Nil when nobody's link was followed.
    let claim: Claim?
    let occurredAt: Timestamp
    let windowSeconds: Int
    /// Whether both have said the same mailbox is theirs.
    let sharesEmail: Bool
    /// Whether both were seen in the same browser.
    let sharesVisitor: Bool
    /// Whose conversion the subject is already; nil when it is new.
    let subjectOwner: ParticipantID?
}

/// What was decided.
struct ConversionJudgement: Sendable, Hashable {
    let outcome: ConversionDecision.Outcome
    /// The code of the first check that stood in the way (`subject_taken` for its check); nil when
    /// converted.
    let reason: String?
    let checks: [EligibilityCheck]
}

/// The checks of a conversion, in order. Every check that has something to look at is made, even
/// after one has failed, so that a refusal tells everything.
enum ConversionRules {
    /// Grows with every change of what is decided, and is stored with each decision.
    static let version = 1
    /// Clocks of browsers and servers differ: a touch may seem to come so much after its purchase.
    static let toleratedSkew = Duration.seconds(300)

    static func judge(_ inputs: ConversionInputs) -> ConversionJudgement {
        guard let claim = inputs.claim else {
            let check = EligibilityCheck(
                code: "attributed", passed: false,
                detail: "Nobody's link was followed by this participant.")
            return ConversionJudgement(
                outcome: .unattributed, reason: "attributed", checks: [check])
        }
        let attributed = EligibilityCheck(
            code: "attributed", passed: true, detail: "The link \(claim.code) was followed.")
        let window = withinWindow(claim, inputs)
        let guards = [
            notSelf(claim, inputs), notSameVisitor(inputs), notSameEmail(inputs),
            notCircular(claim), subjectNew(inputs),
        ]
        let checks = [attributed, window] + guards
        if !window.passed {
            return ConversionJudgement(
                outcome: .unattributed, reason: window.code, checks: checks)
        }
        if let failed = guards.first(where: { !$0.passed }) {
            let reason = failed.code == "subject_new" ? "subject_taken" : failed.code
            return ConversionJudgement(outcome: .refused, reason: reason, checks: checks)
        }
        return ConversionJudgement(outcome: .converted, reason: nil, checks: checks)
    }

    private static func withinWindow(
        _ claim: ConversionInputs.Claim, _ inputs: ConversionInputs
    ) -> EligibilityCheck {
        let age = inputs.occurredAt - claim.touchedAt
        let passed = age >= .zero - toleratedSkew && age <= .seconds(inputs.windowSeconds)
        let limit = "\(inputs.windowSeconds) seconds"
        return EligibilityCheck(
            code: "within_window", passed: passed,
            detail: age < .zero - toleratedSkew
                ? "The link was followed at \(claim.touchedAt), after it."
                : "The link was followed at \(claim.touchedAt); it counts for \(limit).")
    }

    private static func notSelf(
        _ claim: ConversionInputs.Claim, _ inputs: ConversionInputs
    ) -> EligibilityCheck {
        let passed = claim.referrerID != inputs.participantID && claim.refusal != .selfReferral
        return EligibilityCheck(
            code: "not_self_referral", passed: passed,
            detail: passed
                ? "The link is somebody else's." : "The link is the participant's own.")
    }

    private static func notSameVisitor(_ inputs: ConversionInputs) -> EligibilityCheck {
        EligibilityCheck(
            code: "not_same_visitor", passed: !inputs.sharesVisitor,
            detail: inputs.sharesVisitor
                ? "Referrer and participant were seen in the same browser."
                : "Referrer and participant were not seen in the same browser.")
    }

    private static func notSameEmail(_ inputs: ConversionInputs) -> EligibilityCheck {
        EligibilityCheck(
            code: "not_same_email", passed: !inputs.sharesEmail,
            detail: inputs.sharesEmail
                ? "Referrer and participant have the same e-mail address."
                : "Referrer and participant have no e-mail address in common.")
    }

    private static func notCircular(_ claim: ConversionInputs.Claim) -> EligibilityCheck {
        let passed = claim.refusal != .circular
        return EligibilityCheck(
            code: "not_circular", passed: passed,
            detail: passed
                ? "The participant did not bring the referrer."
                : "The participant brought the referrer, directly or through others.")
    }

    private static func subjectNew(_ inputs: ConversionInputs) -> EligibilityCheck {
        let passed = inputs.subjectOwner.map { $0 == inputs.participantID } ?? true
        return EligibilityCheck(
            code: "subject_new", passed: passed,
            detail: passed
                ? "The subject is nobody else's conversion."
                : "The subject is another participant's conversion.")
    }
}
