import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// Builds participants' profiles from the events of the log.
///
/// A batch costs three statements at most, however many people it is about, and none that writes
/// while nothing changes but who was seen this minute.
struct ParticipantEvents: Sendable {
    /// What can change a profile. Events of somebody who was seen a moment ago cannot.
    static let wanted = Wanted(
        types: [ParticipantErased.type, SeenTimes.signUpEvent], facets: [.sighting, .traits])

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
        let (news, erased) = try Self.sum(events)
        if !erased.isEmpty { try await store.delete(erased.sorted(), in: transaction) }
        guard !news.isEmpty else { return }
        let stored = try await store.load(news, in: transaction)
        var changes: [ParticipantChange] = []
        var ignored = 0
        for (place, news) in news.enumerated() {
            let (change, leftOut) = news.change(of: stored[place])
            if let change { changes.append(change) }
            ignored += leftOut
        }
        if !changes.isEmpty { try await store.save(changes, in: transaction) }
        if ignored > 0 { leftOut.increment(by: ignored) }
    }

    /// What events tell of each participant, and who is to be forgotten before.
    private static func sum(
        _ events: [LogEvent]
    ) throws -> (news: [ParticipantNews], erased: Set<ParticipantKey>) {
        var news: [ParticipantNews] = []
        var places: [ParticipantKey: Int] = [:]
        var erased: Set<ParticipantKey> = []
        for event in events {
            if let key = Self.erased(by: event) {
                // What is told of the person after this is new.
                places[key] = nil
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
            if let place = places[key] {
                news[place].add(event)
            } else {
                places[key] = news.count
                news.append(ParticipantNews(key, externalID: externalID, firstOf: event))
            }
        }
        // Of those who were erased after that, nothing stays.
        return (
            places.count == news.count
                ? news
                : news.enumerated().filter {
                    places[$1.key] == $0
                }.map(\.element), erased
        )
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
