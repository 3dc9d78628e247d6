/// Swift source taken apart: the code with comments, strings and raw names blanked out (line for
/// line), and the texts of its string literals.
struct CodeText {
    /// As long as the source; what is not code is spaces.
    private(set) var code = ""
    /// Each literal with the line on which it begins, from 1.
    private(set) var literals: [(line: Int, text: String)] = []

    private let source: [UInt8]
    private var output: [UInt8]
    private var index = 0
    private var line = 1

    init(_ text: String) {
        source = Array(text.utf8)
        output = source
        scanCode(untilClosing: false)
        code = String(decoding: output, as: UTF8.self)
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        index + offset < source.count ? source[index + offset] : 0
    }

    private func follows(_ text: StaticString, at offset: Int = 0) -> Bool {
        let end = index + offset + text.utf8CodeUnitCount
        guard end <= source.count else { return false }
        return text.withUTF8Buffer { $0.elementsEqual(source[(index + offset)..<end]) }
    }

    /// Steps over bytes that are not code.
    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where index < source.count {
            if source[index] == UInt8(ascii: "\n") {
                line += 1
            } else {
                output[index] = UInt8(ascii: " ")
            }
            index += 1
        }
    }

    /// Reads code; inside an interpolation until its closing parenthesis.
    private mutating func scanCode(untilClosing: Bool) {
        var depth = 0
        while index < source.count {
            if follows("//") {
                while index < source.count, byte() != UInt8(ascii: "\n") { blank() }
            } else if follows("/*") {
                scanBlockComment()
            } else if byte() == UInt8(ascii: "\"") || isRawString() {
                scanString()
            } else if byte() == UInt8(ascii: "`") {
                blank()
                while index < source.count, byte() != UInt8(ascii: "`") { blank() }
                blank()
            } else {
                if byte() == UInt8(ascii: "(") { depth += 1 }
                if byte() == UInt8(ascii: ")") {
                    if untilClosing, depth == 0 { return blank() }
                    depth -= 1
                }
                if untilClosing { blank() } else { step() }
            }
        }
    }

    private mutating func step() {
        if byte() == UInt8(ascii: "\n") { line += 1 }
        index += 1
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if follows("/*") {
                depth += 1
                blank(2)
            } else if follows("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < source.count
    }

    private func isRawString() -> Bool {
        guard byte() == UInt8(ascii: "#") else { return false }
        var offset = 0
        while byte(offset) == UInt8(ascii: "#") { offset += 1 }
        return byte(offset) == UInt8(ascii: "\"")
    }

    private mutating func scanString() {
        var pounds = 0
        while byte() == UInt8(ascii: "#") {
            pounds += 1
            blank()
        }
        let isMultiline = follows("\"\"\"")
        blank(isMultiline ? 3 : 1)
        let begin = line
        var text: [UInt8] = []
        while index < source.count {
            let isEnd = isMultiline ? follows("\"\"\"") : byte() == UInt8(ascii: "\"")
            if isEnd, hasPounds(pounds, at: isMultiline ? 3 : 1) {
                blank((isMultiline ? 3 : 1) + pounds)
                break
            }
            if byte() == UInt8(ascii: "\\"), hasPounds(pounds, at: 1) {
                let isInterpolation = byte(1 + pounds) == UInt8(ascii: "(")
                blank(2 + pounds)
                if isInterpolation { scanCode(untilClosing: true) }
                text.append(UInt8(ascii: "\u{1}"))
            } else {
                if !isMultiline, byte() == UInt8(ascii: "\n") { break }
                text.append(byte())
                blank()
            }
        }
        literals.append((begin, String(decoding: text, as: UTF8.self)))
    }

    private func hasPounds(_ count: Int, at offset: Int) -> Bool {
        (0..<count).allSatisfy { byte(offset + $0) == UInt8(ascii: "#") }
    }
}
