import Contracts
import Kernel

/// What staff say of a new client.
struct NewClient: Sendable, Decodable {
    let name: String
    /// Live unless it is said.
    let mode: ClientMode?

    /// Everything that is wrong with it.
    var problems: [Problem.FieldError] {
        TextRule.isLine(name, maximum: 200)
            ? []
            : [
                .init(
                    pointer: "/name", code: "invalid_name",
                    detail: "Use a name of 1 to 200 characters on one line.")
            ]
    }
}

/// The status that staff want, and why.
struct StatusRequest: Sendable, Decodable {
    let status: ClientStatus
    let reason: String

    var problems: [Problem.FieldError] {
        TextRule.isLine(reason, maximum: 500)
            ? []
            : [
                .init(
                    pointer: "/reason", code: "invalid_reason",
                    detail: "Say why, in 1 to 500 characters on one line.")
            ]
    }
}

/// Where staff want a test client's clock.
struct ClockRequest: Sendable, Decodable {
    let offsetMilliseconds: Int64

    private enum CodingKeys: String, CodingKey { case offsetMilliseconds = "offset_milliseconds" }

    var problems: [Problem.FieldError] {
        (0...Client.maximumOffsetMilliseconds).contains(offsetMilliseconds)
            ? []
            : [
                .init(
                    pointer: "/offset_milliseconds", code: "out_of_range",
                    detail: "Use 0 to \(Client.maximumOffsetMilliseconds) milliseconds.")
            ]
    }
}
