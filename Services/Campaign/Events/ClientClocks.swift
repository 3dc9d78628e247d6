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
            let change = try Self.change(told: event)
            try await store.set(
                change.businessClockOffsetMilliseconds, of: event.clientID, in: transaction)
        }
    }

    /// A function of its own, never part of the one above: Swift 6.3's optimizer dies of that.
    @inline(never)
    private static func change(told event: LogEvent) throws(PoisonEvent) -> ClientChange {
        do {
            return try JSONCoding.decode(
                ClientChange.self, from: try event.content.json, strictness: .lenient)
        } catch {
            throw PoisonEvent(event, reason: "the change of the client cannot be read")
        }
    }
}
