import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit

/// Follows what client-service says of clients, for the clock that ends campaigns.
struct ClientClocks: Sendable {
    static let types: Set<String> = [
        ClientMessage.created, ClientMessage.statusChanged, ClientMessage.settingsChanged,
    ]

    let store = ClientClockStore()

    func apply(_ events: [LogEvent], _ transaction: Transaction) async throws {
        for event in events where event.trust == .internal && Self.types.contains(event.type) {
            guard
                let change = try? JSONCoding.decode(
                    ClientChange.self, from: try JSONCoding.encode(event.properties),
                    strictness: .lenient)
            else { throw PoisonEvent(event, reason: "the change of the client cannot be read") }
            try await store.set(
                change.businessClockOffsetMilliseconds, of: event.clientID, in: transaction)
        }
    }
}
