import Contracts
import Kernel

/// What every event must keep to, whichever front it came through.
enum EventChecks {
    static func type(_ text: String, _ name: String) throws(EventRejection) -> String {
        guard EventType.isValid(text) else {
            throw .field(
                name, "invalid_\(name)", "'\(name)' takes letters, digits and _ . : - only.")
        }
        guard !ReservedEventTypes.contains(text) else {
            throw .field(
                name, "reserved_event",
                "Events of this name are written by the platform itself. Use another name.")
        }
        return text
    }

    static func text(
        _ text: String?, _ name: String, maximum: Int
    ) throws(EventRejection) -> String {
        guard let text, isText(text.utf8.span, maximum: maximum) else {
            throw noText(name, maximum: maximum)
        }
        return text
    }

    /// The same of a text that is read from its bytes.
    static func text(
        _ text: ArraySlice<UInt8>?, _ name: String, maximum: Int
    ) throws(EventRejection) -> ArraySlice<UInt8> {
        guard let text, isText(text.span, maximum: maximum) else {
            throw noText(name, maximum: maximum)
        }
        return text
    }

    private static func noText(_ name: String, maximum: Int) -> EventRejection {
        .field(
            name, "invalid_\(name)",
            "'\(name)' is a string of 1 to \(maximum) characters without control characters.")
    }

    /// Whether these are 1 to `maximum` Unicode scalars, none of them a control character.
    private static func isText(_ bytes: Swift.Span<UInt8>, maximum: Int) -> Bool {
        var count = 0
        for place in bytes.indices {
            let byte = bytes[place]
            if byte < 0x20 || byte == 0x7F { return false }
            // Every scalar has one byte that does not go on with another.
            if byte & 0xC0 != 0x80 { count += 1 }
        }
        return (1...maximum).contains(count)
    }

    /// An event belongs to a person or a visitor.
    static func participant(_ ids: String?...) throws(EventRejection) {
        guard ids.contains(where: { $0 != nil }) else {
            throw .field(
                "participant_id", "participant_required",
                "Say who it was: participant_id (your own id of the person) or anonymous_id.")
        }
    }

    static func size(_ bytes: Int) throws(EventRejection) {
        guard bytes <= IncomingEvent.maximumBytes else {
            throw EventRejection(
                code: "event_too_large",
                detail: "An event takes at most \(IncomingEvent.maximumBytes) bytes.", pointer: "")
        }
    }

    /// Looks at the levels of a value that has `outer` levels around it in an event.
    static func depth(_ levels: Int, below outer: Int = 0) throws(EventRejection) {
        guard outer + levels <= IncomingEvent.maximumDepth else {
            throw EventRejection(
                code: "event_too_deep",
                detail: "An event has at most \(IncomingEvent.maximumDepth) levels.", pointer: "")
        }
    }

    /// The deepest level of brackets in valid JSON, those in strings not counted.
    static func levels(of json: [UInt8]) -> Int {
        var (depth, deepest) = (0, 0)
        var (isInString, isEscaped) = (false, false)
        let bytes = json.span
        for place in bytes.indices {
            let byte = bytes[place]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}

/// Names under which services write to the log: nobody else may, or a browser could pretend that a
/// reward was fulfilled.
enum ReservedEventTypes {
    private static let nouns: Set<Substring> = [
        "client", "key", "campaign", "referral", "reward", "workflow", "notification",
        "analytics", "event", "participant",
    ]

    static func contains(_ type: String) -> Bool {
        guard let dot = type.utf8.firstIndex(of: UInt8(ascii: ".")) else { return false }
        return nouns.contains(type[..<dot])
    }
}
