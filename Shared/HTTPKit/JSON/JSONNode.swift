/// One value or key of a parsed document: what it is and where it stands in the bytes.
///
/// Nodes are in document order. An object's children are key, value, key, value, …
struct JSONNode: Sendable {
    enum Kind: UInt8, Sendable {
        case object, array, string, number, `true`, `false`, null
    }

    let kind: Kind
    /// A string with escapes, whose bytes are not its text.
    var isEscaped = false
    /// A key that a later one with the same name replaces, in lenient documents.
    var isShadowed = false
    /// Levels of objects and arrays, its own among them; none in another kind.
    var levels: UInt8 = 0
    /// First byte; for a string the one after the quote.
    let start: UInt32
    /// One past the last byte; for a string the closing quote.
    var end: UInt32
    /// Index of the node after this one and everything in it.
    var next: UInt32

    init(_ kind: Kind, start: Int, end: Int, next: Int) {
        self.kind = kind
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
        self.next = UInt32(truncatingIfNeeded: next)
    }

    var range: Range<Int> { Int(start)..<Int(end) }
}

/// What is wrong with a document, and at which byte.
struct JSONSyntaxError: Error, Equatable {
    let offset: Int
    let reason: String
}
