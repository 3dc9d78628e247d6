/// What text of callers may look like.
enum TextRule {
    /// One line with something to see: 1 to `maximum` characters, none of them a control character.
    static func isLine(_ text: String, maximum: Int) -> Bool {
        (1...maximum).contains(text.unicodeScalars.count) && !text.allSatisfy(\.isWhitespace)
            && !text.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    }
}
