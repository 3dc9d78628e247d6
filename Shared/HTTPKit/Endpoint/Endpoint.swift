/// One internal call, known to the service that answers it and to those that make it.
///
/// Always a POST of a JSON body that answers 200 with a JSON body, or with a problem.
package struct Endpoint<Input: Codable & Sendable, Output: Codable & Sendable>: Sendable {
    /// Whether the call may be sent again after an answer that was lost.
    package enum Safety: Sendable {
        /// Changes nothing; may be repeated freely.
        case read
        /// Changes something once per idempotency key; may be repeated with the same key.
        case keyed
    }

    /// The whole path, without parameters (`/internal/rewards/allocate`).
    package let path: String
    package let safety: Safety

    package init(path: String, safety: Safety) {
        self.path = path
        self.safety = safety
    }
}
