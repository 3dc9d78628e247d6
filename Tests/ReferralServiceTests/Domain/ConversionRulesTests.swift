import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import ReferralService

@Suite struct ConversionRulesTests {
    private let start = Timestamp(microseconds: 1_800_000_000_000_000)
    private let referrer = ParticipantID(UUID())
    private let participant = ParticipantID(UUID())

    private func judge(
        after age: Duration = .seconds(60), window: Int = 3600, refusal: TouchRefusal? = nil,
        isOwn: Bool = false, email: Bool = false, visitor: Bool = false,
        owner: ParticipantID? = nil
    ) -> ConversionJudgement {
        ConversionRules.judge(
            ConversionInputs(
                participantID: participant,
                claim: ConversionInputs.Claim(
                    referrerID: isOwn ? participant : referrer, linkID: LinkID(UUID()),
                    code: "BBBBBBBB", clickID: nil, touchedAt: start, trust: .server,
                    refusal: refusal),
                occurredAt: start + age, windowSeconds: window, sharesEmail: email,
                sharesVisitor: visitor, subjectOwner: owner))
    }

    @Test func `a friend's link in time is a conversion, with every check`() {
        let judgement = judge()
        #expect(judgement.outcome == .converted)
        #expect(judgement.reason == nil)
        #expect(
            judgement.checks.map(\.code) == [
                "attributed", "within_window", "not_self_referral", "not_same_visitor",
                "not_same_email", "not_circular", "subject_new",
            ])
        #expect(!judgement.checks.contains { !$0.passed })
    }

    @Test func `nobody's link is nothing wrong`() {
        let judgement = ConversionRules.judge(
            ConversionInputs(
                participantID: participant, claim: nil, occurredAt: start, windowSeconds: 1,
                sharesEmail: false, sharesVisitor: false, subjectOwner: nil))
        #expect(judgement.outcome == .unattributed)
        #expect(judgement.checks.map(\.code) == ["attributed"])
    }

    @Test(arguments: [
        (-301, false), (-300, true), (0, true), (3600, true), (3601, false), (86_400, false),
    ])
    func `the window has two ends`(_ seconds: Int, _ isWithin: Bool) {
        let judgement = judge(after: .seconds(seconds))
        #expect(judgement.outcome == (isWithin ? .converted : .unattributed))
        #expect(judgement.reason == (isWithin ? nil : "within_window"))
    }

    @Test func `whatever must not count is refused with its check`() {
        let cases: [(ConversionJudgement, String)] = [
            (judge(refusal: .selfReferral), "not_self_referral"),
            (judge(isOwn: true), "not_self_referral"),
            (judge(refusal: .circular), "not_circular"), (judge(email: true), "not_same_email"),
            (judge(visitor: true), "not_same_visitor"), (judge(owner: referrer), "subject_taken"),
        ]
        for (judgement, reason) in cases {
            #expect(judgement.outcome == .refused)
            #expect(judgement.reason == reason)
            #expect(judgement.checks.count { !$0.passed } == 1)
        }
        #expect(judge(owner: participant).outcome == .converted)
    }

    @Test func `a refusal tells everything that is in the way`() {
        let judgement = judge(email: true, visitor: true, owner: referrer)
        #expect(judgement.reason == "not_same_visitor")
        #expect(judgement.checks.count { !$0.passed } == 3)
    }
}
