/// Cuts a source into literals and the insides of `{{ … }}`.
struct TemplateScanner {
    enum Piece {
        case literal(String)
        /// What stands between the braces, trimmed; `offset` is that of the opening ones.
        case tag(String, offset: Int)
    }

    /// By scalars: to Swift, CR LF is one character, and so is a letter with marks.
    private let source: [Unicode.Scalar]
    private(set) var offset = 0

    init(_ text: String) { source = Array(text.unicodeScalars) }

    /// The next piece; nil at the end. Throws the offset of a tag that is not closed.
    mutating func next() throws(UnclosedTag) -> Piece? {
        guard offset < source.count else { return nil }
        if isAt(offset, "{") {
            let start = offset
            guard let end = endOfTag(from: start + 2) else { throw UnclosedTag(offset: start) }
            offset = end + 2
            return .tag(Self.trimmed(source[(start + 2)..<end]), offset: start)
        }
        let start = offset
        while offset < source.count, !isAt(offset, "{") { offset += 1 }
        return .literal(Self.text(source[start..<offset]))
    }

    struct UnclosedTag: Error { let offset: Int }

    /// Line and column, both from 1, of an offset.
    func place(of offset: Int) -> (line: Int, column: Int) {
        let before = source[..<min(offset, source.count)]
        let line = before.count { $0 == "\n" } + 1
        let start = before.lastIndex(of: "\n").map { $0 + 1 } ?? 0
        return (line, before.count - start + 1)
    }

    /// Whether there are two of these braces at an offset.
    private func isAt(_ offset: Int, _ brace: Unicode.Scalar) -> Bool {
        offset + 1 < source.count && source[offset] == brace && source[offset + 1] == brace
    }

    /// Where the closing braces are; those inside quotes do not count.
    private func endOfTag(from start: Int) -> Int? {
        var quote: Unicode.Scalar?
        var index = start
        while index < source.count {
            let scalar = source[index]
            if let open = quote {
                if scalar == "\\" {
                    index += 1
                } else if scalar == open {
                    quote = nil
                }
            } else if scalar == "\"" || scalar == "'" {
                quote = scalar
            } else if isAt(index, "}") {
                return index
            }
            index += 1
        }
        return nil
    }

    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
    }

    private static func trimmed(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var slice = scalars.drop(while: isSpace)
        while let last = slice.last, isSpace(last) { slice.removeLast() }
        return text(slice)
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
