import Contracts
import HTTPKit
import Kernel

/// The members of an event while they are taken out one by one.
struct EventFields {
    private(set) var rest: [(name: String, value: JSONSlice)]

    init(_ members: [(name: String, value: JSONSlice)]) {
        rest = members
    }

    /// Removes a member; an explicit null counts as absent.
    mutating func take(_ name: String) -> JSONSlice? {
        guard let index = rest.firstIndex(where: { $0.name == name }) else { return nil }
        let value = rest.remove(at: index).value
        return value.kind == .null ? nil : value
    }

    /// A member that stays; an explicit null counts as absent.
    func peek(_ name: String) -> JSONSlice? {
        rest.first { $0.name == name && $0.value.kind != .null }?.value
    }

    func peekText(_ name: String, maximum: Int) throws(EventRejection) -> String? {
        guard let value = peek(name) else { return nil }
        return try EventChecks.text(value.string, name, maximum: maximum)
    }

    mutating func text(_ name: String, maximum: Int) throws(EventRejection) -> String? {
        guard let value = take(name) else { return nil }
        return try EventChecks.text(value.string, name, maximum: maximum)
    }

    mutating func requiredText(_ name: String, maximum: Int) throws(EventRejection) -> String {
        guard let text = try text(name, maximum: maximum) else {
            throw .field(name, "required", "'\(name)' is required.")
        }
        return text
    }

    mutating func time(_ name: String) throws(EventRejection) -> Timestamp {
        guard let time = Timestamp(try requiredText(name, maximum: 40)) else {
            throw .field(
                name, "invalid_\(name)", "'\(name)' is a time such as 2026-01-31T09:30:00.000Z.")
        }
        return time
    }

    mutating func campaign(_ name: String) throws(EventRejection) -> CampaignID? {
        guard let text = try text(name, maximum: 100) else { return nil }
        guard let campaign = CampaignID(text) else {
            throw .field(name, "invalid_\(name)", "'\(name)' is an id that begins with 'cmp_'.")
        }
        return campaign
    }

    mutating func object(_ name: String) throws(EventRejection) -> EncodedJSON? {
        guard let value = take(name) else { return nil }
        guard value.kind == .object else {
            throw .field(name, "invalid_\(name)", "'\(name)' is a JSON object.")
        }
        return EncodedJSON(value)
    }
}
