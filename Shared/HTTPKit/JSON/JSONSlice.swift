import Glibc
package import Kernel

/// A value of a valid document by its place in the bytes: for readers that pass most of a document
/// on as it is and look only at a few members.
package struct JSONSlice: Sendable {
    /// What the value is.
    package enum Kind: Sendable, Hashable {
        case object, array, string, number, boolean, null
    }

    /// Shared by all slices of a document, so that passing one on costs one count of references.
    private final class Source: Sendable {
        let document: JSONDocument

        init(_ document: JSONDocument) {
            self.document = document
        }
    }

    private let source: Source
    private let index: Int

    /// Checks the whole document (RFC 8259, UTF-8, 64 levels) and gives its root.
    ///
    /// Throws 400 `malformed_json`, and with `.strict` also `validation_failed` for duplicate keys;
    /// with `.lenient` the last of duplicate keys counts.
    package init(parsing bytes: [UInt8], strictness: JSONStrictness = .lenient) throws(Problem) {
        source = Source(try JSONDocument(bytes, strictness: strictness))
        index = 0
    }

    /// The same for a document that one of our services wrote from parts that were checked when
    /// they came in: one parser is enough for it.
    package init(parsingOurs bytes: [UInt8]) throws(Problem) {
        source = Source(try JSONDocument(bytes, strictness: .lenient, isOurs: true))
        index = 0
    }

    private init(_ source: Source, _ index: Int) {
        self.source = source
        self.index = index
    }

    private var document: JSONDocument { source.document }
    private var node: JSONNode { source.document.nodes[index] }

    package var kind: Kind {
        switch node.kind {
        case .object: .object
        case .array: .array
        case .string: .string
        case .number: .number
        case .true, .false: .boolean
        case .null: .null
        }
    }

    /// The value's bytes as they were written, quotes included.
    package var bytes: ArraySlice<UInt8> {
        let range = node.range
        return node.kind == .string
            ? document.bytes[(range.lowerBound - 1)..<(range.upperBound + 1)]
            : document.bytes[range]
    }

    /// Whether both are written in the same bytes.
    package func isSame(as other: JSONSlice) -> Bool {
        isSame(as: other.node, of: other.document)
    }

    /// Whether the value of another object's member is written in the same bytes.
    package func isSame(as object: JSONSlice, at place: Place) -> Bool {
        isSame(as: object.document.nodes[Int(place.key) + 1], of: object.document)
    }

    private func isSame(as other: JSONNode, of otherDocument: JSONDocument) -> Bool {
        let node = node
        let (own, others) = (node.range, other.range)
        guard node.kind == other.kind, own.count == others.count else { return false }
        return unsafe document.bytes.withUnsafeBytes { bytes in
            unsafe otherDocument.bytes.withUnsafeBytes { otherBytes in
                guard let left = bytes.baseAddress, let right = otherBytes.baseAddress else {
                    return true
                }
                // Both ranges lie within their documents.
                return unsafe memcmp(left + own.lowerBound, right + others.lowerBound, own.count)
                    == 0
            }
        }
    }

    /// How many levels of objects and arrays the value has; none is zero.
    package var levels: Int { Int(node.levels) }

    /// The value's bytes without white space between its parts.
    package var packed: [UInt8] {
        let written = bytes
        if source.document.isPacked { return Array(written) }
        var packed: [UInt8] = []
        packed.reserveCapacity(written.count)
        var (isInString, isEscaped) = (false, false)
        for byte in written {
            if isInString {
                isInString = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            } else if byte <= 0x20 {
                continue
            } else {
                isInString = byte == UInt8(ascii: "\"")
            }
            packed.append(byte)
        }
        return packed
    }

    /// The text of a string; nil for another kind.
    package var string: String? { node.kind == .string ? document.text(node) : nil }

    /// The text of a string as UTF-8; nil for another kind. Copies nothing unless it has escapes.
    package var utf8: ArraySlice<UInt8>? {
        let node = node
        guard node.kind == .string else { return nil }
        return node.isEscaped ? Array(document.text(node).utf8)[...] : document.bytes[node.range]
    }

    /// The value as a document of its own.
    package var value: JSONValue { document.value(at: index) }

    /// The elements of an array; empty for another kind.
    package var elements: [JSONSlice] {
        guard node.kind == .array else { return [] }
        var elements: [JSONSlice] = []
        document.forEachElement(of: index) { elements.append(JSONSlice(source, $0)) }
        return elements
    }

    /// The members of an object, in the order they are written; empty for another kind.
    package var members: [(name: String, value: JSONSlice)] {
        guard node.kind == .object else { return [] }
        var members: [(name: String, value: JSONSlice)] = []
        document.forEachMember(of: index) { key in
            members.append((document.text(document.nodes[key]), JSONSlice(source, key + 1)))
        }
        return members
    }

    /// The member of an object; nil for another kind or an absent member.
    package subscript(_ name: String) -> JSONSlice? {
        guard node.kind == .object else { return nil }
        return document.member(name, of: index).map { JSONSlice(source, $0) }
    }
}

extension JSONSlice {
    /// Where a member of an object is, for asking that object about it. Nothing of the member is
    /// read that nobody asks for.
    package struct Place: Sendable {
        /// The index of the key's node.
        fileprivate let key: UInt32
    }

    /// Calls with each member of an object, in the order they are written; never for another kind.
    package func forEachMember<Failure: Error>(
        _ body: (Place) throws(Failure) -> Void
    ) throws(Failure) {
        guard node.kind == .object else { return }
        try document.forEachMember(of: index) { (key) throws(Failure) in
            try body(Place(key: UInt32(truncatingIfNeeded: key)))
        }
    }

    /// The same with the number of each member's name among `names`; nil for another name.
    package func forEachMember(among names: JSONNames, _ body: (Place, Int?) -> Void) {
        guard node.kind == .object else { return }
        document.forEachMember(of: index) { key in
            body(
                Place(key: UInt32(truncatingIfNeeded: key)),
                names.number(of: document.nodes[key], in: document))
        }
    }

    private func key(_ place: Place) -> JSONNode { source.document.nodes[Int(place.key)] }

    /// The name of a member.
    package func name(at place: Place) -> String { document.text(key(place)) }

    /// Whether a member has this name.
    package func isNamed(_ name: String, at place: Place) -> Bool {
        document.isText(key(place), name)
    }

    /// The value of a member.
    package subscript(_ place: Place) -> JSONSlice { JSONSlice(source, Int(place.key) + 1) }
}

/// Finds the members of an object one after the other: at once in the order in which they are
/// written, else by looking at all.
package struct JSONMembers {
    private let slice: JSONSlice
    private let range: Range<Int>
    private var next: Int

    /// The members of `slice`; none when it is no object.
    package init(_ slice: JSONSlice) {
        self.slice = slice
        range = slice.keys
        next = range.lowerBound
    }

    /// The member of this name, also a second time.
    package mutating func take(_ name: String) -> JSONSlice? {
        guard
            let value = slice.value(of: name, from: next, to: range.upperBound)
                ?? slice.value(of: name, from: range.lowerBound, to: next)
        else { return nil }
        next = value.after
        return value.slice
    }
}

extension JSONSlice {
    /// The indices of all keys of an object and of what is in it.
    fileprivate var keys: Range<Int> {
        node.kind == .object ? (index + 1)..<Int(node.next) : index..<index
    }

    fileprivate func value(
        of name: String, from key: Int, to end: Int
    ) -> (slice: JSONSlice, after: Int)? {
        source.document.member(name, from: key, to: end).map {
            (JSONSlice(source, $0), Int(source.document.nodes[$0].next))
        }
    }
}
