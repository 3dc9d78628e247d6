import HTTPKit
import Kernel

/// A JSON value as bytes: a part of what a sender wrote, or put together by a front.
struct EncodedJSON: Sendable {
    typealias Member = (name: String, value: EncodedJSON)

    private enum Form {
        /// A part of what was sent, as it was written.
        case part(JSONSlice)
        case written([UInt8])
    }

    private let form: Form

    var bytes: ArraySlice<UInt8> {
        switch form {
        case .part(let slice): slice.bytes
        case .written(let bytes): bytes[...]
        }
    }

    /// The value for reading; nil only for what is no JSON.
    var slice: JSONSlice? {
        switch form {
        case .part(let slice): slice
        case .written(let bytes): try? JSONSlice(parsing: bytes)
        }
    }

    /// A part of what was sent, as it was written.
    init(_ slice: JSONSlice) {
        form = .part(slice)
    }

    /// A string.
    init(text: String) {
        var quoted: [UInt8] = []
        quoted.reserveCapacity(text.utf8.count + 2)
        JSONText.append(text, to: &quoted)
        form = .written(quoted)
    }

    /// A list of strings.
    init(texts: [String]) {
        var list: [UInt8] = []
        for text in texts {
            list.append(list.isEmpty ? "[" : ",")
            JSONText.append(text, to: &list)
        }
        list.append(list.isEmpty ? "[]" : "]")
        form = .written(list)
    }

    /// JSON that was written here, without white space around it.
    init(written text: String) {
        form = .written(Array(text.utf8))
    }

    /// An object of these members, in this order; the names must differ.
    init(object members: [Member]) {
        var object: [UInt8] = []
        object.reserveCapacity(64 * members.count)
        Self.append(members, to: &object)
        form = .written(object)
    }

    /// Any value.
    init(_ value: JSONValue) throws {
        form = .written(try JSONCoding.encode(value))
    }

    /// Whether the value is an object; the bytes are valid JSON without white space around them.
    var isObject: Bool {
        switch form {
        case .part(let slice): slice.kind == .object
        case .written(let bytes): bytes.first == UInt8(ascii: "{")
        }
    }

    /// Levels of objects and arrays in it.
    var levels: Int {
        switch form {
        case .part(let slice): slice.levels
        case .written(let bytes): EventChecks.levels(of: bytes)
        }
    }

    /// Whether it is written in the same bytes.
    func isSame(as other: EncodedJSON) -> Bool {
        if case .part(let slice) = form, case .part(let others) = other.form {
            return slice.isSame(as: others)
        }
        return bytes == other.bytes
    }

    /// The same of a member of what was sent.
    func isSame(as object: JSONSlice, at place: JSONSlice.Place) -> Bool {
        if case .part(let slice) = form { return slice.isSame(as: object, at: place) }
        return bytes == object[place].bytes
    }

    /// Whether it may hold what somebody looks for by one of these words: what is not read yet need
    /// not be when none of them is in it.
    func mayHold(_ words: [String]) -> Bool {
        if case .part = form { return true }
        return words.contains(where: mentions)
    }

    private func mentions(_ word: String) -> Bool {
        let own = bytes.span
        let word = word.utf8.span
        guard own.count >= word.count else { return false }
        for start in 0...(own.count - word.count) {
            var length = 0
            while length < word.count, own[start + length] == word[length] { length += 1 }
            if length == word.count { return true }
        }
        return false
    }

    /// Appends an object of these members.
    static func append(_ members: [Member], to bytes: inout [UInt8]) {
        bytes.append("{")
        appendMembers(members, to: &bytes)
        bytes.append("}")
    }

    /// Appends these members of an object.
    static func appendMembers(_ members: [Member], to bytes: inout [UInt8]) {
        for index in members.indices {
            if index > 0 { bytes.append(",") }
            JSONText.append(members[index].name, to: &bytes)
            bytes.append(":")
            bytes += members[index].value.bytes
        }
    }
}

extension [UInt8] {
    /// Appends words that need no escapes.
    mutating func append(_ words: StaticString) {
        words.withUTF8Buffer { append(contentsOf: $0) }
    }
}
