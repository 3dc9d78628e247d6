import Contracts
import Kernel

extension CustomMapping {
    static let maximumFields = 50
    static let maximumTypes = 100
    private static let maximumNameLength = 100

    /// What is wrong with the mapping, found when it is saved and not with the first webhook.
    var problems: [Problem.FieldError] {
        var problems = event.problems
        if let eventID {
            problems += eventID.problems("/mapping/event_id", allowsHeader: true)
            if eventID.value != nil {
                problems.append(
                    .init(
                        pointer: "/mapping/event_id", code: "invalid_value",
                        detail: "One id for all would make all but the first a duplicate."))
            }
        }
        for (name, source) in [
            ("occurred_at", occurredAt), ("participant_id", participantID),
            ("anonymous_id", anonymousID), ("campaign_id", campaignID), ("subject", subject),
            ("amount/value", amount?.value), ("amount/asset", amount?.asset),
            ("referral/click_id", referral?.clickID), ("referral/code", referral?.code),
        ] {
            problems += source?.problems("/mapping/\(name)") ?? []
        }
        if participantID == nil, anonymousID == nil {
            problems.append(
                .init(
                    pointer: "/mapping/participant_id", code: "required",
                    detail: "Say where the person's id is: participant_id or anonymous_id."))
        }
        problems += Self.problems("traits", traits) + Self.problems("properties", properties)
        if amount != nil, properties?["amount"] != nil {
            problems.append(
                .init(
                    pointer: "/mapping/properties/amount", code: "invalid_value",
                    detail: "'amount' is mapped already."))
        }
        return problems
    }

    private static func problems(
        _ name: String, _ fields: [String: Source]?
    ) -> [Problem.FieldError] {
        guard let fields else { return [] }
        let pointer = "/mapping/\(name)"
        guard fields.count <= maximumFields,
            fields.keys.allSatisfy({ (1...maximumNameLength).contains($0.utf8.count) })
        else {
            return [
                .init(
                    pointer: pointer, code: "invalid_value",
                    detail: "Map at most \(maximumFields) fields, with names of at most "
                        + "\(maximumNameLength) bytes.")
            ]
        }
        return fields.sorted { $0.key < $1.key }.flatMap {
            $0.value.problems("\(pointer)/\($0.key)")
        }
    }
}

extension CustomMapping.Source {
    fileprivate func problems(
        _ place: String, allowsHeader: Bool = false
    ) -> [Problem.FieldError] {
        let ways = [pointer != nil, value != nil, header != nil].filter(\.self).count
        guard ways == 1 else {
            return [
                .init(
                    pointer: place, code: "invalid_value",
                    detail: "Say one of pointer, value and header.")
            ]
        }
        if let pointer, JSONPath(pointer) == nil {
            return [
                .init(
                    pointer: "\(place)/pointer", code: "invalid_pointer",
                    detail: "Use a JSON pointer such as /order/id.")
            ]
        }
        guard let header else { return [] }
        guard allowsHeader, HeaderName.isValid(header) else {
            return [
                .init(
                    pointer: "\(place)/header", code: "invalid_value",
                    detail: "Only event and event_id may come from a header.")
            ]
        }
        return []
    }
}

extension CustomMapping.EventType {
    fileprivate var problems: [Problem.FieldError] {
        let place = "/mapping/event"
        let source = CustomMapping.Source(
            pointer: pointer, value: value.map { .string($0) }, header: header)
        var problems = source.problems(place, allowsHeader: true)
        if let value { problems += Self.problems("\(place)/value", type: value) }
        guard let types else { return problems }
        if value != nil || types.isEmpty || types.count > CustomMapping.maximumTypes {
            problems.append(
                .init(
                    pointer: "\(place)/types", code: "invalid_value",
                    detail: "A table has 1 to \(CustomMapping.maximumTypes) types, for a name from "
                        + "the body or a header."))
        }
        for (name, type) in types.sorted(by: { $0.key < $1.key }) {
            problems += Self.problems("\(place)/types/\(name)", type: type)
        }
        return problems
    }

    private static func problems(_ place: String, type: String) -> [Problem.FieldError] {
        guard EventType.isValid(type), !ReservedEventTypes.contains(type) else {
            return [
                .init(
                    pointer: place, code: "invalid_event",
                    detail: "Use letters, digits and _ . : -, and no name of the platform's own.")
            ]
        }
        return []
    }
}
