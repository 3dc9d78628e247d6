import HTTPKit
import Kernel

/// A JSON value as bytes: a part of what a sender wrote, or put together by a front.
struct EncodedJSON: Sendable {
    typealias Member = (name: String, value: EncodedJSON)

    let bytes: ArraySlice<UInt8>
    /// The value where it was read already.
    private let known: JSONSlice?

    /// The value for reading; nil only for what is no JSON.
    var slice: JSONSlice? { known ?? (try? JSONSlice(parsing: Array(bytes))) }

    /// A part of what was sent, as it was written.
    init(_ slice: JSONSlice) {
        known = slice
        bytes = slice.bytes
    }

    /// A string.
    init(text: String) {
        known = nil
        var quoted: [UInt8] = []
        JSONText.append(text, to: &quoted)
        bytes = quoted[...]
    }

    /// JSON that was written here, without white space around it.
    init(written text: String) {
        known = nil
        bytes = Array(text.utf8)[...]
    }

    /// An object of these members, in this order; the names must differ.
    init(object members: [Member]) {
        known = nil
        var object: [UInt8] = []
        Self.append(members, to: &object)
        bytes = object[...]
    }

    /// Any value.
    init(_ value: JSONValue) throws {
        known = nil
        bytes = try JSONCoding.encode(value)[...]
    }

    /// Whether the value is an object; the bytes are valid JSON without white space around them.
    var isObject: Bool { bytes.first == UInt8(ascii: "{") }

    /// Whether it is written in the same bytes.
    func isSame(as other: EncodedJSON) -> Bool { bytes == other.bytes }

    /// Whether it may hold what somebody looks for by one of these words: what is not read yet need
    /// not be when none of them is in it.
    func mayHold(_ words: [String]) -> Bool {
        known != nil || words.contains(where: mentions)
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
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONText.append(member.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            bytes += member.value.bytes
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
