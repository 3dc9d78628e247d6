/// Indexes a document in one pass, checking the grammar of RFC 8259 to the letter.
///
/// UTF-8 is not checked here; simdjson does that before.
struct JSONScanner {
    static let maximumDepth = 64

    private(set) var nodes: [JSONNode] = []
    /// Whether there is white space between the parts of the document.
    private(set) var hasSpace = false
    private var index = 0

    init(expectedNodes: Int) {
        nodes.reserveCapacity(expectedNodes)
    }

    mutating func scan(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        skipSpace(bytes)
        _ = try value(bytes, depth: 0)
        skipSpace(bytes)
        guard index == bytes.count else { throw failure("There is text after the document.") }
    }

    private func failure(_ reason: String) -> JSONSyntaxError {
        JSONSyntaxError(offset: index, reason: reason)
    }

    private func peek(_ bytes: Span<UInt8>) throws(JSONSyntaxError) -> UInt8 {
        guard index < bytes.count else { throw failure("The document ends too early.") }
        return bytes[index]
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09:
                index += 1
                hasSpace = true
            default: return
            }
        }
    }

    /// Gives how many levels of objects and arrays the value has.
    private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONSyntaxError) -> UInt8 {
        switch try peek(bytes) {
        case UInt8(ascii: "\""): try string(bytes)
        case UInt8(ascii: "{"): return try container(bytes, .object, depth: depth + 1)
        case UInt8(ascii: "["): return try container(bytes, .array, depth: depth + 1)
        case UInt8(ascii: "-"), 48...57: try number(bytes)
        case UInt8(ascii: "t"): try literal(bytes, Self.trueWord, .true)
        case UInt8(ascii: "f"): try literal(bytes, Self.falseWord, .false)
        case UInt8(ascii: "n"): try literal(bytes, Self.nullWord, .null)
        default: throw failure("A value was expected.")
        }
        return 0
    }

    private mutating func container(
        _ bytes: Span<UInt8>, _ kind: JSONNode.Kind, depth: Int
    ) throws(JSONSyntaxError) -> UInt8 {
        guard depth <= Self.maximumDepth else {
            throw failure("The document is nested deeper than \(Self.maximumDepth) levels.")
        }
        let own = nodes.count
        nodes.append(JSONNode(kind, start: index, end: 0, next: 0))
        let closing = kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]")
        index += 1
        var inner: UInt8 = 0
        skipSpace(bytes)
        if try peek(bytes) != closing {
            while true {
                if kind == .object { try key(bytes) }
                inner = max(inner, try value(bytes, depth: depth))
                skipSpace(bytes)
                let mark = try peek(bytes)
                if mark == closing { break }
                guard mark == UInt8(ascii: ",") else { throw failure("A comma was expected.") }
                index += 1
                skipSpace(bytes)
            }
        }
        index += 1
        nodes[own].end = UInt32(truncatingIfNeeded: index)
        nodes[own].next = UInt32(truncatingIfNeeded: nodes.count)
        nodes[own].levels = inner + 1
        return inner + 1
    }

    private mutating func key(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        guard try peek(bytes) == UInt8(ascii: "\"") else { throw failure("A key was expected.") }
        try string(bytes)
        skipSpace(bytes)
        guard try peek(bytes) == UInt8(ascii: ":") else { throw failure("A colon was expected.") }
        index += 1
        skipSpace(bytes)
    }

    private mutating func string(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        index += 1
        let start = index
        var isEscaped = false
        while true {
            skipPlain(bytes)
            let byte = try peek(bytes)
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                try escape(bytes)
            } else if byte < 0x20 {
                throw failure("A control character must be escaped.")
            } else {
                index += 1
            }
        }
        var node = JSONNode(.string, start: start, end: index, next: nodes.count + 1)
        node.isEscaped = isEscaped
        nodes.append(node)
        index += 1
    }

    /// Passes over eight bytes at a time, up to a quote, a backslash or a control character; the
    /// last few of a document are left over.
    ///
    /// Source: S. E. Anderson, "Bit Twiddling Hacks", a byte less than n and a byte equal to n.
    /// Only above a byte that is one of them may another seem to be one.
    private mutating func skipPlain(_ bytes: Span<UInt8>) {
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        while index + 8 <= bytes.count {
            // The bound was just checked.
            let word = unsafe bytes.bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: index, as: UInt64.self)
            let quote = word ^ (ones * UInt64(UInt8(ascii: "\"")))
            let backslash = word ^ (ones * UInt64(UInt8(ascii: "\\")))
            let found =
                ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash
                    | (word &- ones * 0x20) & ~word) & tops
            guard found == 0 else {
                index += found.littleEndian.trailingZeroBitCount / 8
                return
            }
            index += 8
        }
    }

    private mutating func escape(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        index += 1
        switch try peek(bytes) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            index += 1
        case UInt8(ascii: "u"):
            index += 1
            let unit = try codeUnit(bytes)
            if (0xDC00...0xDFFF).contains(unit) { throw failure("A surrogate stands alone.") }
            if (0xD800...0xDBFF).contains(unit) { try lowSurrogate(bytes) }
        default: throw failure("There is no such escape.")
        }
    }

    private mutating func lowSurrogate(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        else { throw failure("A surrogate stands alone.") }
        index += 2
        guard (0xDC00...0xDFFF).contains(try codeUnit(bytes)) else {
            throw failure("A surrogate stands alone.")
        }
    }

    private mutating func codeUnit(_ bytes: Span<UInt8>) throws(JSONSyntaxError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = PercentDecoding.hexValue(try peek(bytes)) else {
                throw failure("Four hexadecimal digits were expected.")
            }
            unit = unit << 4 | UInt32(digit)
            index += 1
        }
        return unit
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        let start = index
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        if try peek(bytes) == UInt8(ascii: "0") { index += 1 } else { try digits(bytes) }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            try digits(bytes)
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            let sign = try peek(bytes)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
            try digits(bytes)
        }
        nodes.append(JSONNode(.number, start: start, end: index, next: nodes.count + 1))
    }

    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        let start = index
        while index < bytes.count, bytes[index] &- 48 < 10 { index += 1 }
        guard index > start else { throw failure("A digit was expected.") }
    }

    private mutating func literal(
        _ bytes: Span<UInt8>, _ word: [UInt8], _ kind: JSONNode.Kind
    ) throws(JSONSyntaxError) {
        let start = index
        guard start + word.count <= bytes.count else { throw failure("A value was expected.") }
        for offset in word.indices where bytes[start + offset] != word[offset] {
            throw failure("A value was expected.")
        }
        index += word.count
        nodes.append(JSONNode(kind, start: start, end: index, next: nodes.count + 1))
    }

    private static let trueWord = Array("true".utf8)
    private static let falseWord = Array("false".utf8)
    private static let nullWord = Array("null".utf8)
}
