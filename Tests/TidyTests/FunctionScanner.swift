/// Finds the functions of a Swift source and how many lines each has.
struct FunctionScanner {
    struct Function {
        /// The line of the keyword, from 1.
        let line: Int
        /// From the keyword to the closing brace, both counted.
        let lineCount: Int
    }

    private let code: [UInt8]

    init(_ text: String) {
        code = Array(CodeText(text).code.utf8)
    }

    func functions() -> [Function] {
        var found: [Function] = []
        var line = 1
        var index = 0
        while index < code.count {
            if code[index] == UInt8(ascii: "\n") {
                line += 1
            } else if let word = declaration(at: index), let end = bodyEnd(after: index + word) {
                let newlines = code[index...end].count { $0 == UInt8(ascii: "\n") }
                found.append(Function(line: line, lineCount: newlines + 1))
            }
            index += 1
        }
        return found
    }

    /// The length of the keyword when a function's declaration begins here.
    private func declaration(at index: Int) -> Int? {
        if index > 0, isWord(code[index - 1]) || code[index - 1] == UInt8(ascii: ".") { return nil }
        // `import func Glibc.getpid`
        if code[..<index].suffix(7).elementsEqual("import ".utf8) { return nil }
        for keyword in ["func", "init", "deinit", "subscript"] {
            let end = index + keyword.utf8.count
            guard end < code.count, code[index..<end].elementsEqual(keyword.utf8),
                !isWord(code[end])
            else { continue }
            return keyword.utf8.count
        }
        return nil
    }

    /// The index of the brace that closes the body, or nil when there is none (a requirement).
    private func bodyEnd(after start: Int) -> Int? {
        var depth = 0
        var index = start
        var hasParameters = false
        while index < code.count {
            switch code[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["):
                depth += 1
                hasParameters = true
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return closingBrace(of: index)
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: "\n") where depth == 0 && hasParameters:
                if !continuesSignature(after: index) { return nil }
            default: break
            }
            index += 1
        }
        return nil
    }

    private func continuesSignature(after newline: Int) -> Bool {
        let rest = code[newline...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        return ["->", "where", "async", "throws", "{", "("].contains { rest.starts(with: $0.utf8) }
    }

    private func closingBrace(of open: Int) -> Int? {
        var depth = 0
        for index in open..<code.count {
            if code[index] == UInt8(ascii: "{") { depth += 1 }
            if code[index] == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
