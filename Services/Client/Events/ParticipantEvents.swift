import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// Builds participants' profiles from the events of the log.
///
/// It sees every event of every client, so a batch costs two statements, however many people it is
/// about.
struct ParticipantEvents: Sendable {
    private let store: ParticipantStore
    private let leftOut: Counter

    init(store: ParticipantStore, telemetry: Telemetry) {
        self.store = store
        leftOut = telemetry.metrics.counter(
            "grapevine_participant_traits_ignored_total",
            help: "Traits left out because a profile was full or they cannot be stored.")
    }

    /// Lets the events of one shard take effect, in order.
    ///
    /// Throws `PoisonEvent` for an event whose participant has an id that no text column can hold.
    func apply(_ events: [LogEvent], _ transaction: Transaction) async throws {
        var people: [(key: ParticipantKey, externalID: String, event: LogEvent)] = []
        var erased: Set<ParticipantKey> = []
        for event in events {
            if let key = Self.erased(by: event) {
                // What is told of the person after this is new.
                people.removeAll { $0.key == key }
                erased.insert(key)
                continue
            }
            // A visitor without an id of the client's own has no profile yet.
            guard let participantID = event.participant?.participantID,
                let externalID = event.participant?.externalID
            else { continue }
            guard !externalID.isEmpty, !externalID.utf8.contains(0) else {
                throw PoisonEvent(event, reason: "the participant's external id cannot be stored")
            }
            let key = ParticipantKey(clientID: event.clientID, participantID: participantID)
            people.append((key, externalID, event))
        }
        if !erased.isEmpty { try await store.delete(erased.sorted(), in: transaction) }
        guard !people.isEmpty else { return }
        // In one order, so that nobody waits in a circle for rows.
        let keys = Set(people.map(\.key)).sorted()
        var states = try await store.load(keys, in: transaction)
        var ignored = 0
        for (key, externalID, event) in people {
            var state =
                states[key]
                ?? ParticipantState(
                    firstOf: event, participantID: key.participantID, externalID: externalID)
            ignored += state.apply(event)
            states[key] = state
        }
        try await store.save(keys.compactMap { states[$0] }, in: transaction)
        leftOut.increment(by: ignored)
    }

    /// Whom a message says to forget; nil for everything else.
    private static func erased(by event: LogEvent) -> ParticipantKey? {
        guard event.type == ParticipantErased.type, event.trust == .internal,
            let participant = event.properties["participant_id"]?.string
                .flatMap({ ParticipantID($0) })
        else { return nil }
        return ParticipantKey(clientID: event.clientID, participantID: participant)
    }
}
