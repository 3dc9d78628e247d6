import Kernel

extension JSONValue {
    /// The same without what JSON allows and PostgreSQL cannot keep: NUL characters, and numbers
    /// such as 1e999999, which become texts.
    var storable: JSONValue {
        switch self {
        case .string(let text): .string(Self.storable(text))
        case .array(let elements): .array(elements.map(\.storable))
        case .object(let members):
            .object(
                Dictionary(
                    members.map { (Self.storable($0.key), $0.value.storable) },
                    uniquingKeysWith: { first, _ in first }))
        case .number(let number): number.isStorable ? self : .string(number.text)
        case .null, .bool: self
        }
    }

    private static func storable(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }
}
