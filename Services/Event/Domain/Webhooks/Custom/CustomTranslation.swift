import Contracts
import Kernel

/// Webhooks of a client's own systems as events, by the client's mapping.
struct CustomTranslation: Sendable {
    static let idHeader = "webhook-id"

    let settings: CustomSettings
    let sourceID: WebhookSourceID

    private var mapping: CustomMapping { settings.mapping }

    func read(_ webhook: ReceivedWebhook) -> WebhookReading {
        var topic = ""
        let reading = WebhookReading.make(topic: topic, of: webhook) {
            body throws(UnusableWebhook) in
            topic = try self.topic(of: webhook, body)
            guard let type = type(of: topic) else { return .ignored(.unknownTopic) }
            return .event(try event(type, topic, body, webhook))
        }
        return WebhookReading(topic: topic, reading.outcome)
    }

    private func topic(
        of webhook: ReceivedWebhook, _ body: JSONValue
    ) throws(UnusableWebhook) -> String {
        if let value = mapping.event.value { return value }
        if let header = mapping.event.header {
            guard let topic = webhook.header(header) else {
                throw UnusableWebhook(header, "required", "The header is missing.")
            }
            return topic
        }
        let pointer = mapping.event.pointer ?? ""
        guard let topic = JSONPath(pointer)?.value(in: body)?.identifier else {
            throw UnusableWebhook(pointer, "required", "There is no name of an event.")
        }
        return topic
    }

    private func type(of topic: String) -> String? {
        if let types = mapping.event.types { return types[topic] }
        let isUsable = EventType.isValid(topic) && !ReservedEventTypes.contains(topic)
        return isUsable ? topic : nil
    }

    private func event(
        _ type: String, _ topic: String, _ body: JSONValue, _ webhook: ReceivedWebhook
    ) throws(UnusableWebhook) -> ToldEvent {
        var event = ToldEvent(
            type: type, eventID: try eventID(webhook, body, topic),
            occurredAt: try time(body) ?? webhook.receivedAt)
        event.externalID = try id(mapping.participantID, body)
        event.anonymousID = try id(mapping.anonymousID, body)
        event.campaignID = try id(mapping.campaignID, body)
        event.subject = try id(mapping.subject, body)
        event.referral.clickID = try id(mapping.referral?.clickID, body)
        event.referral.code = try id(mapping.referral?.code, body)
        for (name, source) in mapping.traits ?? [:] {
            event.traits[name] = Self.value(source, body)
        }
        for (name, source) in mapping.properties ?? [:] {
            event.properties[name] = Self.value(source, body)
        }
        if let money = mapping.amount {
            event.properties["amount"] = try Self.amount(money, body)?.document
        }
        return event
    }

    /// Two systems of one client may give the same id to different things, and a topic of its own
    /// is a thing of its own.
    private func eventID(
        _ webhook: ReceivedWebhook, _ body: JSONValue, _ topic: String
    ) throws(UnusableWebhook) -> String {
        let source = mapping.eventID ?? .init(header: Self.idHeader)
        if let header = source.header {
            guard let id = webhook.header(header) else {
                throw UnusableWebhook(header, "required", "The header with the id is missing.")
            }
            return WebhookEventID.make([sourceID.description, id])
        }
        guard let id = try id(source, body) else {
            throw UnusableWebhook(source.pointer ?? "", "required", "There is no id.")
        }
        return WebhookEventID.make([sourceID.description, topic, id])
    }

    private func time(_ body: JSONValue) throws(UnusableWebhook) -> Timestamp? {
        guard let source = mapping.occurredAt, let value = Self.value(source, body) else {
            return nil
        }
        guard let time = value.time else {
            throw UnusableWebhook(
                source.pointer ?? "", "invalid_value",
                "It is neither a time such as 2026-01-31T09:30:00Z nor seconds since 1970.")
        }
        return time
    }

    private func id(
        _ source: CustomMapping.Source?, _ body: JSONValue
    ) throws(UnusableWebhook) -> String? {
        guard let source, let value = Self.value(source, body) else { return nil }
        guard let id = value.identifier else {
            throw UnusableWebhook(
                source.pointer ?? "", "invalid_value",
                "An id is a string of 1 to 200 characters or a whole number.")
        }
        return id
    }

    private static func value(_ source: CustomMapping.Source, _ body: JSONValue) -> JSONValue? {
        source.value ?? source.pointer.flatMap { JSONPath($0) }?.value(in: body)
    }

    private static func amount(
        _ money: CustomMapping.Money, _ body: JSONValue
    ) throws(UnusableWebhook) -> Amount? {
        guard let told = value(money.value, body) else { return nil }
        guard let asset = value(money.asset, body)?.string.flatMap({ Asset($0.uppercased()) })
        else {
            throw UnusableWebhook(
                money.asset.pointer ?? "", "invalid_value", "It is not an asset such as USD.")
        }
        let text = told.string ?? told.number?.text ?? ""
        let amount =
            money.form == .units
            ? ExactAmount.read(steps: text, scale: asset.scale, asset)
            : ExactAmount.read(decimal: text, asset)
        guard let amount else {
            throw UnusableWebhook(
                money.value.pointer ?? "", "invalid_value",
                "It is not an amount with at most \(asset.scale) places.")
        }
        return amount
    }
}
