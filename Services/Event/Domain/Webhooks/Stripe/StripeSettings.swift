import Kernel

/// What a client sets for a Stripe account.
struct StripeSettings: Sendable, Codable {
    /// Where the client's own id of a person may be.
    enum Identity: String, Sendable, Codable, CaseIterable {
        /// `metadata.gv_participant`, which only the client's server can write.
        case metadata
        /// What the client gave the checkout. A payment link takes it from its address, where a
        /// buyer could write it.
        case clientReferenceID = "client_reference_id"
        /// Stripe's id of the customer.
        case customerID = "customer_id"
        case email
    }

    /// The first that a payment has names the person.
    let participant: [Identity]?

    private enum CodingKeys: String, CodingKey { case participant }

    init(participant: [Identity]? = nil) { self.participant = participant }

    var identities: [Identity] { participant ?? [.metadata, .customerID, .email] }

    var problems: [Problem.FieldError] {
        guard let participant, participant.isEmpty else { return [] }
        return [
            .init(
                pointer: "/participant", code: "invalid_value",
                detail: "Name at least one place, or leave it out.")
        ]
    }
}

/// How Stripe counts money: in the smallest unit by a list of its own, which is not always the
/// asset's.
enum StripeMoney {
    /// Source: docs.stripe.com/currencies, zero-decimal and three-decimal currencies. ISK and UGX
    /// have no decimals but are counted with two.
    private static let withoutDecimals: Set<String> = [
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV",
        "XAF", "XOF", "XPF",
    ]
    private static let threeDecimals: Set<String> = ["BHD", "JOD", "KWD", "OMR", "TND"]

    static func read(_ steps: JSONValue?, _ currency: JSONValue?) -> Amount? {
        guard let text = steps?.number?.text,
            let asset = currency?.string.flatMap({ Asset($0.uppercased()) })
        else { return nil }
        let scale =
            withoutDecimals.contains(asset.code) ? 0 : threeDecimals.contains(asset.code) ? 3 : 2
        return ExactAmount.read(steps: text, scale: scale, asset)
    }
}
