import HTTPKit
import Kernel

/// A webhook's event in the form in which clients send theirs, so that it passes the same checks.
struct WebhookEvent: Sendable {
    let document: JSONValue
    private let allowsNobody: Bool

    init(
        _ told: ToldEvent, topic: String, _ sourceID: WebhookSourceID, _ settings: WebhookSettings
    ) {
        document = told.document(source: [
            "kind": .string(settings.kind.rawValue), "topic": .string(topic),
            "source_id": .string(sourceID.description),
        ])
        allowsNobody = settings.allowsNobody
    }

    /// The event, checked. Throws the first thing that is wrong with it.
    func incoming(receivedAt: Timestamp) throws(EventRejection) -> IncomingEvent {
        guard let bytes = try? JSONCoding.encode(document),
            let slice = try? JSONSlice(parsing: bytes)
        else {
            throw EventRejection(
                code: "event_too_deep", detail: "The event cannot be written as JSON.",
                pointer: "")
        }
        return try IncomingEvent(
            slice, SenderClock(receivedAt: receivedAt, sentAt: nil), allowsNobody: allowsNobody)
    }
}

extension EventRejection {
    var field: Problem.FieldError {
        Problem.FieldError(pointer: pointer, code: code, detail: detail)
    }
}

extension WebhookSettings {
    /// How the sender signs, which its secret is made for.
    var scheme: CustomSignature.Scheme? {
        if case .custom(let settings) = self { settings.signature.scheme } else { nil }
    }
}
