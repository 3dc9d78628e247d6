import Kernel

/// Reads the small JSON objects inside a token, and refuses whatever two readers could read
/// differently: duplicate names, invalid UTF-8, trailing bytes, deep nesting (RFC 8725 §2.4, §3.7).
struct StrictJSON {
    static let maximumDepth = 8

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    /// The object that the bytes are; nil for anything else.
    static func object(_ bytes: [UInt8]) -> [String: JSONValue]? {
        var reader = StrictJSON(bytes: bytes)
        guard case .object(let members) = reader.value(), reader.isAtEnd() else { return nil }
        return members
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func isAtEnd() -> Bool {
        skipSpace()
        return index == bytes.count
    }

    private mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func take(word: StaticString, _ value: JSONValue) -> JSONValue? {
        let word = Array("\(word)".utf8)
        guard bytes[index...].starts(with: word) else { return nil }
        index += word.count
        return value
    }

    private mutating func value() -> JSONValue? {
        skipSpace()
        guard index < bytes.count else { return nil }
        switch bytes[index] {
        case UInt8(ascii: "{"): return nested { $0.members() }
        case UInt8(ascii: "["): return nested { $0.elements() }
        case UInt8(ascii: "\""): return text().map { .string($0) }
        case UInt8(ascii: "t"): return take(word: "true", true)
        case UInt8(ascii: "f"): return take(word: "false", false)
        case UInt8(ascii: "n"): return take(word: "null", .null)
        default: return number()
        }
    }

    private mutating func nested(_ read: (inout StrictJSON) -> JSONValue?) -> JSONValue? {
        guard depth < Self.maximumDepth else { return nil }
        index += 1
        depth += 1
        defer { depth -= 1 }
        return read(&self)
    }

    private mutating func members() -> JSONValue? {
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take("}") { return .object([:]) }
        repeat {
            skipSpace()
            guard let name = text() else { return nil }
            skipSpace()
            guard take(":"), members[name] == nil, let value = value() else { return nil }
            members[name] = value
            skipSpace()
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func elements() -> JSONValue? {
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            guard let value = value() else { return nil }
            elements.append(value)
            skipSpace()
        } while take(",")
        return take("]") ? .array(elements) : nil
    }

    private mutating func number() -> JSONValue? {
        let start = index
        _ = take("-")
        if take("0") {
            // A leading zero stands alone.
        } else if !takeDigits() {
            return nil
        }
        if take("."), !takeDigits() { return nil }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard takeDigits() else { return nil }
        }
        return .number(JSONNumber(text: String(decoding: bytes[start..<index], as: UTF8.self)))
    }

    private mutating func takeDigits() -> Bool {
        let start = index
        while index < bytes.count, (48...57).contains(bytes[index]) { index += 1 }
        return index > start
    }

    private mutating func text() -> String? {
        guard take("\"") else { return nil }
        var characters: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: characters, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                characters += Array(String(scalar).utf8)
            case 0..<0x20: return nil
            default: characters.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard index < bytes.count else { return nil }
        let mark = bytes[index]
        index += 1
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(mark)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return codePoint()
        default: return nil
        }
    }

    private mutating func codePoint() -> Unicode.Scalar? {
        guard let unit = codeUnit() else { return nil }
        guard (0xD800..<0xDC00).contains(unit) else { return Unicode.Scalar(unit) }
        guard take("\\"), take("u"), let low = codeUnit(), (0xDC00..<0xE000).contains(low)
        else { return nil }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    }

    private mutating func codeUnit() -> UInt32? {
        guard index + 4 <= bytes.count,
            let digits = Hex.decode(String(decoding: bytes[index..<index + 4], as: UTF8.self))
        else { return nil }
        index += 4
        return UInt32(digits[0]) << 8 | UInt32(digits[1])
    }
}

/// Writes a value compactly with sorted names, so that equal claims give equal bytes.
enum CompactJSON {
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let number): number.text
        case .string(let value): JSONText.quoted(value)
        case .array(let elements): "[\(elements.map(text).joined(separator: ","))]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }
                .map { "\(JSONText.quoted($0.key)):\(text($0.value))" }.joined(separator: ",")
                + "}"
        }
    }
}
