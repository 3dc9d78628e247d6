/// A log line on its way.
package struct LogLine {
    private var bytes: [UInt8] = []

    init(_ time: Timestamp, _ level: Logger.Level, _ message: String, _ fixed: [UInt8]) {
        bytes.reserveCapacity(512)
        bytes.append(contentsOf: "{\"time\":\"".utf8)
        bytes.append(contentsOf: time.description.utf8)
        bytes.append(contentsOf: "\",\"level\":\"".utf8)
        bytes.append(contentsOf: level.name.utf8)
        bytes.append(contentsOf: "\",\"message\":".utf8)
        JSONText.append(message, to: &bytes)
        bytes.append(contentsOf: fixed)
    }

    var finished: String {
        mutating get {
            bytes.append(UInt8(ascii: "}"))
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Adds a value.
    package mutating func add(_ name: String, _ value: Logger.Value) {
        Self.append(name, value, to: &bytes)
    }

    /// Adds text; the name must need no escapes.
    package mutating func add(_ name: StaticString, _ text: String) {
        append(name)
        JSONText.append(text, to: &bytes)
    }

    /// Adds a whole number; the name must need no escapes.
    package mutating func add(_ name: StaticString, _ number: Int) {
        append(name)
        bytes.append(contentsOf: String(number).utf8)
    }

    private mutating func append(_ name: StaticString) {
        bytes.append(UInt8(ascii: ","))
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    static func append(_ name: String, _ value: Logger.Value, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: ","))
        JSONText.append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        switch value {
        case .text(let text): JSONText.append(text, to: &bytes)
        case .integer(let value): bytes.append(contentsOf: String(value).utf8)
        case .number(let value):
            bytes.append(contentsOf: (value.isFinite ? String(value) : "null").utf8)
        case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        }
    }
}

/// Writes JSON strings without a coder, for log lines and hand-built documents.
package enum JSONText {
    /// Appends `text` quoted and escaped (RFC 8259 §7).
    package static func append(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        // Most text has nothing to escape and is copied at once.
        if isPlain(text) {
            line.append(contentsOf: text.utf8)
        } else {
            for scalar in text.unicodeScalars { append(scalar, to: &line) }
        }
        line.append(UInt8(ascii: "\""))
    }

    /// Appends `text` quoted and escaped (RFC 8259 §7).
    package static func append(_ text: String, to line: inout String) {
        line += quoted(text)
    }

    /// `text` quoted and escaped.
    package static func quoted(_ text: String) -> String {
        var line: [UInt8] = []
        append(text, to: &line)
        return String(decoding: line, as: UTF8.self)
    }

    private static func isPlain(_ text: String) -> Bool {
        let bytes = text.utf8.span
        for place in bytes.indices where needsEscape(bytes[place]) { return false }
        return true
    }

    /// Also true for the first byte of U+2028 and its neighbours, over which line readers stumble.
    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
            || byte == 0xE2
    }

    private static func append(_ scalar: Unicode.Scalar, to line: inout [UInt8]) {
        switch scalar {
        case "\"": line.append(contentsOf: "\\\"".utf8)
        case "\\": line.append(contentsOf: "\\\\".utf8)
        case "\n": line.append(contentsOf: "\\n".utf8)
        case "\r": line.append(contentsOf: "\\r".utf8)
        case "\t": line.append(contentsOf: "\\t".utf8)
        case "\0"..<" ", "\u{7F}", "\u{2028}", "\u{2029}":
            let hex = String(scalar.value, radix: 16)
            line.append(contentsOf: "\\u".utf8)
            line.append(contentsOf: String(repeating: "0", count: 4 - hex.count).utf8)
            line.append(contentsOf: hex.utf8)
        default: line.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }
}
