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
    private let members: [EncodedJSON.Member]

    init(_ members: [EncodedJSON.Member]) {
        self.members = members
    }

    func has(_ name: String) -> Bool { members.contains { $0.name == name } }

    /// A text that is a member itself.
    func text(_ names: String...) -> String? {
        for name in names {
            guard let bytes = bytes(of: name), bytes.first == UInt8(ascii: "\""),
                let text = Self.slice(bytes)?.string, !text.isEmpty
            else { continue }
            return text
        }
        return nil
    }

    /// A member that is an object; nil as well when none of the words is in it.
    func object(_ name: String, with words: String...) -> JSONSlice? {
        guard let bytes = bytes(of: name), bytes.first == UInt8(ascii: "{"),
            words.contains(where: { bytes.firstRange(of: Array($0.utf8)) != nil })
        else { return nil }
        return Self.slice(bytes)
    }

    private func bytes(of name: String) -> ArraySlice<UInt8>? {
        members.last { $0.name == name }?.value.bytes
    }

    private static func slice(_ bytes: ArraySlice<UInt8>) -> JSONSlice? {
        try? JSONSlice(parsing: Array(bytes))
    }
}
