import Contracts
import Kernel
import Synchronization

/// Remembers for a few seconds by what a client's events are checked. Every replica learns of a
/// change within `maximumAge`; the one that made it, at once.
final class CatalogueCache: Sendable {
    /// From this age on it is asked again while the old one counts.
    static let freshness: Duration = .seconds(2)
    /// From this age on the old one counts no more.
    static let maximumAge: Duration = .seconds(5)
    /// While PostgreSQL does not answer the old one counts this long.
    static let outageAge: Duration = .seconds(300)

    private struct Entry {
        let catalogue: ClientCatalogue
        let loadedAt: Duration
    }

    private struct Flight {
        let number: Int
        let task: Task<ClientCatalogue, any Error>
    }

    private struct State {
        var young: [ClientID: Entry] = [:]
        var old: [ClientID: Entry] = [:]
        var flights: [ClientID: Flight] = [:]
        var lastFlight = 0
    }

    private let load: @Sendable (ClientID) async throws -> ClientCatalogue
    private let uptime: @Sendable () -> Duration
    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - capacity: how many clients are remembered at most.
    ///   - uptime: a clock that never jumps.
    init(
        capacity: Int = 20_000, uptime: @escaping @Sendable () -> Duration,
        load: @escaping @Sendable (ClientID) async throws -> ClientCatalogue
    ) {
        self.capacity = capacity
        self.uptime = uptime
        self.load = load
    }

    /// Throws when nothing is known and PostgreSQL does not answer.
    func catalogue(of client: ClientID) async throws -> ClientCatalogue {
        let known = state.withLock { $0.young[client] ?? $0.old[client] }
        let age = known.map { uptime() - $0.loadedAt }
        if let known, let age, age < Self.maximumAge {
            if age >= Self.freshness { _ = loading(client) }
            return known.catalogue
        }
        do {
            return try await loading(client).value
        } catch {
            guard let known, let age, age < Self.outageAge else { throw error }
            return known.catalogue
        }
    }

    /// What is known of a client counts no more, and neither does what was asked before.
    func forget(_ client: ClientID) {
        state.withLock { state in
            state.young[client] = nil
            state.old[client] = nil
            state.flights[client] = nil
        }
    }

    /// How many clients are remembered.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    /// The one question that is under way; it belongs to no caller, so that none takes it from the
    /// others by leaving.
    private func loading(_ client: ClientID) -> Task<ClientCatalogue, any Error> {
        state.withLock { state in
            if let flight = state.flights[client] { return flight.task }
            state.lastFlight += 1
            let number = state.lastFlight
            // What was true when it was asked may change while it is answered.
            let asked = uptime()
            let task = Task { [load] in
                do {
                    let catalogue = try await load(client)
                    land(number, of: client, Entry(catalogue: catalogue, loadedAt: asked))
                    return catalogue
                } catch {
                    land(number, of: client, nil)
                    throw error
                }
            }
            state.flights[client] = Flight(number: number, task: task)
            return task
        }
    }

    private func land(_ number: Int, of client: ClientID, _ entry: Entry?) {
        state.withLock { state in
            // A change came in between: what was answered may be from before it.
            guard state.flights[client]?.number == number else { return }
            state.flights[client] = nil
            guard let entry else { return }
            if state.young.count >= capacity / 2 {
                state.old = state.young
                state.young = [:]
            }
            state.old[client] = nil
            state.young[client] = entry
        }
    }
}
