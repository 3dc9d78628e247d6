import Contracts
import DurableKit
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit

/// What the log means for this service: messages say how campaigns and clocks stand, all other
/// events may start runs. Everything happens in the transaction that moves the cursor.
struct EventIntake: Sendable {
    /// What is always wanted; beside it the events that trigger active campaigns.
    static let instructions = Wanted(types: CampaignMessage.all.union(ClientClocks.types))

    let campaigns: CampaignStore
    let statuses: CampaignStatuses
    let clocks = ClientClockStore()
    let runs: RunStore
    let engine: WorkflowEngine
    let world: World

    func apply(_ events: [LogEvent], _ transaction: Transaction) async throws {
        var pending: [LogEvent] = []
        for event in events {
            // Whatever a client calls its events: only our own services tell how campaigns stand.
            if event.trust == .internal {
                guard Self.isInstruction(event) else { continue }
                // Events before the message are judged by what stood before it.
                try await start(pending, transaction)
                pending = []
                try await follow(event, transaction)
            } else if event.participant?.participantID != nil {
                pending.append(event)
            }
        }
        try await start(pending, transaction)
    }

    // MARK: - Messages

    /// The events that a message may have made wanted; nil for one that says nothing of campaigns.
    static func triggers(of event: LogEvent) -> Wanted? {
        guard event.trust == .internal, CampaignMessage.all.contains(event.type) else {
            return nil
        }
        // One that cannot be read has no effect; a campaign that is not active waits for nothing.
        guard let definition: CampaignDefinition = try? event.properties.decoded(),
            definition.status == .active
        else { return Wanted(types: []) }
        return Wanted(types: Set(definition.triggers.map(\.event)))
    }

    private static func isInstruction(_ event: LogEvent) -> Bool {
        CampaignMessage.all.contains(event.type) || ClientClocks.types.contains(event.type)
    }

    private func follow(_ event: LogEvent, _ transaction: Transaction) async throws {
        guard CampaignMessage.all.contains(event.type) else {
            let offset = try ClientClocks.offset(told: event)
            try await clocks.set(offset, of: event.clientID, in: transaction)
            try await engine.setClockOffset(offset, client: event.clientID, in: transaction)
            return
        }
        guard let definition: CampaignDefinition = try? event.properties.decoded(),
            definition.clientID == event.clientID
        else { throw PoisonEvent(event, reason: "the campaign's definition cannot be read") }
        statuses.willChange(definition.campaignID, of: event.clientID, in: transaction)
        try await campaigns.put(definition, at: event.position, in: transaction)
    }

    // MARK: - Events

    /// Starts what these events start, in as many round trips as one event would take.
    private func start(_ events: [LogEvent], _ transaction: Transaction) async throws {
        guard !events.isEmpty else { return }
        let clients = Set(events.map(\.clientID))
        let waiting = try await campaigns.waiting(
            for: Set(events.map(\.type)), of: clients, in: transaction)
        let byClient = Dictionary(grouping: waiting, by: \.definition.clientID)
        var starts: [Start] = []
        for event in events {
            for campaign in byClient[event.clientID] ?? [] {
                if let start = try judge(event, campaign) { starts.append(start) }
            }
        }
        guard !starts.isEmpty else { return }
        try await begin(starts, transaction)
    }

    private struct Start {
        let event: LogEvent
        let input: PulseInput
        let clockOffset: Duration
    }

    private func judge(_ event: LogEvent, _ waiting: WaitingCampaign) throws -> Start? {
        let (campaign, offset) = (waiting.definition, waiting.clockOffset)
        let verdict = TriggerMatch.judge(
            event, campaign, businessNow: event.receivedAt + offset)
        switch verdict {
        case .passes(let refusal):
            world.telemetry.metrics.counter(
                "grapevine_workflow_events_passed_over_total",
                help: "Events that a waiting campaign did not take, by reason.",
                [("reason", refusal.rawValue)]
            ).increment()
            return nil
        case .starts(let participant, let subject):
            guard let facts = try? JSONCoding.encode(EventFacts.of(event)) else {
                throw PoisonEvent(event, reason: "what it says cannot be kept")
            }
            let input = PulseInput(
                clientID: event.clientID, campaignID: campaign.campaignID,
                revision: campaign.revision, pulse: campaign.pulse, participantID: participant,
                subject: subject, event: String(decoding: facts, as: UTF8.self),
                position: event.position,
                // Nothing happened after we were told of it, whatever the sender's clock shows.
                occurredAt: min(event.occurredAt, event.receivedAt) + offset,
                plan: PulsePlan(campaign))
            return Start(event: event, input: input, clockOffset: offset)
        }
    }

    private func begin(_ starts: [Start], _ transaction: Transaction) async throws {
        try await begin(SignupPulse.self, starts.filter { $0.input.pulse == .signup }, transaction)
        try await begin(
            ConversionPulse.self, starts.filter { $0.input.pulse == .conversion }, transaction)
    }

    private func begin<Definition: Workflow>(
        _ pulse: Definition.Type, _ starts: [Start], _ transaction: Transaction
    ) async throws where Definition.Input == PulseInput {
        guard !starts.isEmpty else { return }
        let results = try await engine.start(
            pulse,
            starts.map { start in
                StartRequest(
                    id: WorkflowKey(clientID: start.input.clientID, name: start.input.keyName),
                    input: start.input, clockOffset: start.clockOffset,
                    trace: start.event.traceparent.flatMap { TraceContext(traceparent: $0) })
            }, in: transaction)
        let now = world.clock.now()
        let started = zip(starts, results).compactMap { start, result -> StartedRun? in
            guard case .started(let runID) = result else { return nil }
            return StartedRun(
                runID: runID, input: start.input, eventID: start.event.eventID, startedAt: now)
        }
        try await runs.insert(started, in: transaction)
    }
}

extension JSONValue {
    /// The value as a type of ours.
    func decoded<Value: Decodable>() throws -> Value {
        try JSONCoding.decode(
            Value.self, from: try JSONCoding.encode(self), strictness: .lenient)
    }
}

/// What client-service says of clients, for their business clocks.
enum ClientClocks {
    static let types: Set<String> = [
        ClientMessage.created, ClientMessage.statusChanged, ClientMessage.settingsChanged,
    ]

    static func offset(told event: LogEvent) throws(PoisonEvent) -> Duration {
        guard let change: ClientChange = try? event.properties.decoded() else {
            throw PoisonEvent(event, reason: "the change of the client cannot be read")
        }
        return .milliseconds(max(0, change.businessClockOffsetMilliseconds))
    }
}
