/// Why one event of a batch was not taken. The others of the batch are not touched by it.
struct EventRejection: Error, Sendable, Hashable {
    /// A stable slug (`invalid_event_id`).
    let code: String
    /// What to change, as a sentence.
    let detail: String
    /// A JSON pointer within the event (`/event_id`); empty for the event as a whole.
    let pointer: String

    static func field(_ name: String, _ code: String, _ detail: String) -> Self {
        Self(code: code, detail: detail, pointer: "/\(name)")
    }
}
