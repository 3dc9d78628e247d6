import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit

/// Takes what the services tell and makes a delivery for each webhook that wants it.
struct WebhookIntake: Sendable {
    let queue: WebhookQueue
    let wake: WakeSignal
    let world: World

    /// What a receiver reads, in the form that Standard Webhooks 1.0.0 recommends.
    private struct Payload: Encodable {
        let type: String
        let timestamp: Timestamp
        let data: JSONValue
    }

    /// Applies events in the subscriber's transaction.
    func apply(_ events: [LogEvent], in transaction: Transaction) async throws {
        // Clients choose the types of their own events; only what a service said is told on.
        let events = events.filter {
            $0.trust == .internal && WebhookRules.types.contains($0.type)
        }
        guard !events.isEmpty else { return }
        let webhooks = Dictionary(
            grouping: try await queue.enabled(
                of: Set(events.map(\.clientID)), in: transaction), by: \.client)
        var deliveries: [NewDelivery] = []
        for event in events {
            let wanting = (webhooks[event.clientID] ?? []).filter {
                WebhookRules.matches($0.types, event.type)
            }
            guard !wanting.isEmpty else { continue }
            let body = try Self.body(of: event)
            for (client, webhook, _) in wanting {
                deliveries.append(
                    NewDelivery(
                        clientID: client, webhookID: webhook, id: world.ids.next(),
                        eventID: event.eventID, type: event.type, body: body,
                        traceparent: event.traceparent))
            }
        }
        try await queue.insert(deliveries, at: world.clock.now(), in: transaction)
        if !deliveries.isEmpty { transaction.afterCommit { [wake] in wake.raise() } }
    }

    private static func body(of event: LogEvent) throws -> [UInt8] {
        do {
            return try JSONCoding.encode(
                Payload(type: event.type, timestamp: event.occurredAt, data: event.properties))
        } catch {
            throw PoisonEvent(event, reason: "the data cannot be written as JSON")
        }
    }
}
