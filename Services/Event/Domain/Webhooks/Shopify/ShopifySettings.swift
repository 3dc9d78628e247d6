import Kernel

/// What a client sets for a Shopify shop.
struct ShopifySettings: Sendable, Codable {
    /// Where the shop's own id of a person may be.
    enum Identity: String, Sendable, Codable, CaseIterable {
        /// Shopify's number of the customer.
        case customerID = "customer_id"
        case email
        /// The cart attribute `gv_participant`. The shop's pages write it, so a buyer could too.
        case noteAttribute = "note_attribute"
    }

    /// `example.myshopify.com`: webhooks that name another shop are refused.
    let shopDomain: String?
    /// The first that an order has names the person.
    let participant: [Identity]?

    private enum CodingKeys: String, CodingKey {
        case participant
        case shopDomain = "shop_domain"
    }

    init(shopDomain: String? = nil, participant: [Identity]? = nil) {
        self.shopDomain = shopDomain
        self.participant = participant
    }

    var identities: [Identity] { participant ?? [.customerID, .email] }

    var problems: [Problem.FieldError] {
        var problems: [Problem.FieldError] = []
        if let participant, participant.isEmpty {
            problems.append(
                .init(
                    pointer: "/participant", code: "invalid_value",
                    detail: "Name at least one place, or leave it out."))
        }
        if let shopDomain, !Self.isHost(shopDomain) {
            problems.append(
                .init(
                    pointer: "/shop_domain", code: "invalid_value",
                    detail: "Use a host's name such as example.myshopify.com."))
        }
        return problems
    }

    private static func isHost(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && text.contains(".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 97...122, 48...57, UInt8(ascii: "-"), UInt8(ascii: "."): true
                default: false
                }
            }
    }
}
