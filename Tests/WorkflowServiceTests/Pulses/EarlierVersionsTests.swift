import Contracts
import DurableKit
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import WorkflowService

/// Runs that a replica of an earlier version has started.
@Suite(.serialized, .timeLimit(.minutes(2))) struct EarlierVersionsTests {
    @Test func `a sign-up of the version before referrals ends as it would have`() async throws {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            try await harness.start(FirstSignupPulse.self, .signup, "ada")
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["rules"]?.array?.map { $0["outcome"] } == ["no_referrer", "fulfilled"])
            let steps = try await harness.steps()
            #expect(
                steps == ["configuration", "eligibility", "allocate:welcome", "fulfil:welcome"])
            #expect(try await harness.recordedType(of: "configuration") == "step:Array<RewardRule>")
        }
    }

    @Test func `a sign-up of the version before grants asks for the same steps as ever`()
        async throws
    {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            let shop = harness.shop
            harness.platform.change {
                $0.referrers = [shop.participant("bea"): shop.participant("ada")]
            }
            try await harness.start(SecondSignupPulse.self, .signup, "bea")
            try await Self.expectStepsOneByOne(harness)
        }
    }

    @Test func `a purchase of the version before grants asks for the same steps as ever`()
        async throws
    {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.conversion) }) { harness in
            let shop = harness.shop
            harness.platform.change {
                $0.referrers = [shop.participant("bea"): shop.participant("ada")]
            }
            try await harness.start(FirstConversionPulse.self, .conversion, "bea")
            try await Self.expectStepsOneByOne(harness)
        }
    }

    private static func expectStepsOneByOne(_ harness: WorkflowHarness) async throws {
        let run = try await harness.ended()[0]
        #expect(run["outcome"] == "rewarded")
        #expect(run["rules"]?.array?.map { $0["outcome"] } == ["fulfilled", "fulfilled"])
        #expect(
            try await harness.steps() == [
                "configuration", "eligibility", "conversion", "link", "eligibility:referrer",
                "allocate:thanks", "allocate:welcome", "fulfil:thanks", "fulfil:welcome",
                "notify:participant:hello", "notify:referrer:thank_you",
            ])
        #expect(harness.platform.calls("rewards/grant").isEmpty)
        #expect(harness.platform.keys("allocate").count == 2)
    }
}

/// The signup pulse as it was first.
private struct FirstSignupPulse: Workflow {
    static let name = SignupPulse.name

    func run(_ context: WorkflowContext, _ input: PulseInput) async throws -> PulseResult {
        PulseResult(.nothingDue)
    }
}

/// With referrals and messages.
private struct SecondSignupPulse: Workflow {
    static let name = SignupPulse.name
    static let version = 2

    func run(_ context: WorkflowContext, _ input: PulseInput) async throws -> PulseResult {
        PulseResult(.nothingDue)
    }
}

/// The conversion pulse as it was first.
private struct FirstConversionPulse: Workflow {
    static let name = ConversionPulse.name

    func run(_ context: WorkflowContext, _ input: PulseInput) async throws -> PulseResult {
        PulseResult(.nothingDue)
    }
}

extension WorkflowHarness {
    /// A run as an earlier version started it, without what the campaign promises.
    fileprivate func start<Pulse: Workflow>(
        _ workflow: Pulse.Type, _ pulse: Contracts.Pulse, _ externalID: String
    ) async throws where Pulse.Input == PulseInput {
        try await caughtUp()
        let service = try #require(firstReplica)
        let participant = shop.participant(externalID)
        let input = PulseInput(
            clientID: shop.clientID, campaignID: shop.campaignID, revision: 1, pulse: pulse,
            participantID: participant, subject: participant.description, event: "{}",
            position: LogPosition(shard: 0, position: 1), occurredAt: nil)
        try await service.context.postgres.withTransaction { transaction in
            let result = try await service.engine.start(
                workflow, id: WorkflowKey(clientID: shop.clientID, name: input.keyName),
                input: input, in: transaction)
            let run = StartedRun(
                runID: result.runID, input: input, eventID: "old",
                startedAt: SystemClock().now())
            try await service.runs.insert([run], in: transaction)
        }
    }

    /// The names of the newest run's steps.
    fileprivate func steps() async throws -> Set<String> {
        let steps = try #require(try await firstRun()?["steps"]?.array)
        return Set(steps.compactMap { $0["name"]?.string })
    }

    /// What a step's record says it is.
    fileprivate func recordedType(of step: String) async throws -> String? {
        let service = try #require(firstReplica)
        return try await service.context.postgres.queryOne(
            "select type from durable_step where name = \(step)"
        )?.get("type")
    }
}
