import Contracts
import HTTPKit
import Kernel
import SecurityKit

/// How other people's clients write ids and times.
enum ClientText {
    /// An id, which some write as a number; nil when there is none or it is empty.
    static func id(_ value: JSONSlice?) -> String? {
        guard let value else { return nil }
        switch value.kind {
        case .string: return value.string.flatMap { $0.isEmpty ? nil : $0 }
        case .number: return String(decoding: value.bytes, as: UTF8.self)
        default: return nil
        }
    }

    /// A time in ISO 8601, which some write without a zone or with a space; nil for anything else.
    static func time(_ value: JSONSlice?) -> Timestamp? { time(value?.string) }

    /// The same of a text.
    static func time(_ text: String?) -> Timestamp? {
        guard let text, text.utf8.count <= 40 else { return nil }
        if let time = Timestamp(text) { return time }
        var bytes = Array(text.utf8)
        guard bytes.count >= 19 else { return nil }
        if bytes[10] == UInt8(ascii: " ") { bytes[10] = UInt8(ascii: "T") }
        let written = String(decoding: bytes, as: UTF8.self)
        return Timestamp(written) ?? Timestamp(written + "Z")
    }

    /// An event id from a sender's, short enough; the same for the same text.
    static func eventID(_ text: String) -> String {
        let isFit =
            text.unicodeScalars.count <= LogMessage.maximumIDLength
            && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        return isFit ? text : "sha256:" + Hex.encode(Digest.sha256(Array(text.utf8)))
    }

    /// An id for an event that came without one.
    ///
    /// What says when it happened is the same event however often it comes; anything else is a new
    /// one each time.
    static func eventID(
        of source: ArraySlice<UInt8>, isTimed: Bool, receivedAt: Timestamp, at index: Int
    ) -> String {
        var bytes = Array(source)
        if !isTimed { bytes += "\(receivedAt.microseconds) \(index)".utf8 }
        return "sha256:" + Hex.encode(Digest.sha256(bytes))
    }
}

extension EventRejection {
    /// The same refusal in the words of a client that names its fields otherwise.
    func told(in names: [(ours: String, theirs: String)]) -> EventRejection {
        var (detail, pointer) = (detail, pointer)
        for name in names {
            detail = detail.replacing(name.ours, with: name.theirs)
            if pointer == "/\(name.ours)" { pointer = "/\(name.theirs)" }
        }
        return EventRejection(code: code, detail: detail, pointer: pointer)
    }
}
