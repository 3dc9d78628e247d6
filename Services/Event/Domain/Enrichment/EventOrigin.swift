import HTTPKit

/// What the request itself shows of the device that an event came from.
struct EventOrigin: Sendable {
    /// As text. Only hashes of it are ever kept.
    var address: String?
    var userAgent: String?
    var hints: ClientHints?
}

/// What the senders' contexts say under names that differ from tool to tool. Nothing is parsed
/// that nobody asks for.
struct ToldContext {
    let members: [EncodedJSON.Member]

    init(_ members: [EncodedJSON.Member]) {
        self.members = members
    }

    func has(_ name: String) -> Bool { members.contains { $0.name == name } }

    /// Whether two contexts have those of these names in the same order, word for word.
    ///
    /// Names are looked up only where they differ: contexts of one batch mostly do not.
    static func isSame(
        _ left: [EncodedJSON.Member], _ right: [EncodedJSON.Member], in names: Set<String>
    ) -> Bool {
        var (place, other) = (0, 0)
        while place < left.count, other < right.count {
            if left[place].name == right[other].name {
                guard
                    left[place].value.isSame(as: right[other].value)
                        || !names.contains(left[place].name)
                else { return false }
                place += 1
                other += 1
            } else if !names.contains(left[place].name) {
                place += 1
            } else if !names.contains(right[other].name) {
                other += 1
            } else {
                return false
            }
        }
        return !left[place...].contains { names.contains($0.name) }
            && !right[other...].contains { names.contains($0.name) }
    }

    /// A text that is a member itself.
    func text(_ names: String...) -> String? {
        for name in names {
            guard let value = value(name), value.bytes.first == UInt8(ascii: "\""),
                let text = value.slice?.string, !text.isEmpty
            else { continue }
            return text
        }
        return nil
    }

    /// A member that is an object; may be nil as well when none of the words is in it.
    func object(_ name: String, with words: String...) -> JSONSlice? {
        guard let value = value(name), value.isObject, value.mayHold(words) else { return nil }
        return value.slice
    }

    private func value(_ name: String) -> EncodedJSON? {
        members.last { $0.name == name }?.value
    }
}
