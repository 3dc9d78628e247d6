/// Why one event of a batch was not taken. The others of the batch are not touched by it.
struct EventRejection: Error, Sendable, Hashable {
    /// A stable slug (`invalid_event_id`).
    let code: String
    /// What to change, as a sentence.
    let detail: String
    /// A JSON pointer within the event (`/event_id`); empty for the event as a whole.
    let pointer: String

    static let notAnObject = Self(
        code: "not_an_object", detail: "An event is a JSON object.", pointer: "")

    static func field(_ name: String, _ code: String, _ detail: String) -> Self {
        Self(code: code, detail: detail, pointer: "/\(name)")
    }
}
