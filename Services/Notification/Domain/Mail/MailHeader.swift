import FoundationEssentials
import Kernel

/// Header fields as they stand in a message: ASCII, folded, nothing that could begin another.
enum MailHeader {
    private static let lineLimit = 76

    /// A field of structured tokens that are ASCII already; folded at spaces.
    static func field(_ name: String, _ value: String) -> String {
        fold(name, words: value.split(separator: " ").map(String.init))
    }

    /// A field of free text: as it is when it is short plain ASCII, else as encoded words.
    static func text(_ name: String, _ value: String) -> String {
        let words = phrase(value)
        return fold(name, words: words)
    }

    /// `Name <address>` with the name quoted or encoded as it needs.
    static func mailbox(_ name: String, _ sender: MailSender) -> String {
        guard !sender.name.isEmpty else { return field(name, "<\(sender.address)>") }
        let isAtoms = sender.name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: " "), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let words =
            isAtoms && sender.name.utf8.count < 60 ? [sender.name] : encodedWords(sender.name)
        return fold(name, words: words + ["<\(sender.address)>"])
    }

    /// Words that may be separated by folding white space without changing the text.
    private static func phrase(_ value: String) -> [String] {
        let isPlain = value.utf8.allSatisfy { (32...126).contains($0) }
        let words = value.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        // Runs of spaces and words too long for a line survive only when encoded; and what looks
        // like an encoded word would be decoded.
        let isFoldable = words.allSatisfy { !$0.isEmpty && $0.utf8.count <= 60 }
        return isPlain && isFoldable && !value.contains("=?") ? words : encodedWords(value)
    }

    /// RFC 2047 with base64: each word at most 75 characters, cut between characters.
    static func encodedWords(_ value: String) -> [String] {
        // 39 bytes are 52 characters of base64, with the frame 64: room for the field's name.
        var words: [String] = []
        var bytes: [UInt8] = []
        for scalar in value.unicodeScalars {
            let more = Array(String(scalar).utf8)
            if bytes.count + more.count > 39 {
                words.append(encodedWord(bytes))
                bytes = []
            }
            bytes += more
        }
        if !bytes.isEmpty || words.isEmpty { words.append(encodedWord(bytes)) }
        return words
    }

    private static func encodedWord(_ bytes: [UInt8]) -> String {
        "=?UTF-8?B?\(Data(bytes).base64EncodedString())?="
    }

    private static func fold(_ name: String, words: [String]) -> String {
        var text = "\(name):"
        var length = text.utf8.count
        for word in words {
            let width = word.utf8.count + 1
            if length + width > lineLimit, length > name.utf8.count + 1 {
                text += "\r\n"
                length = 0
            }
            text += " \(word)"
            length += width
        }
        return text + "\r\n"
    }

    /// RFC 5322 §3.3, in UTC.
    static func date(_ time: Timestamp) -> String {
        let text = time.description
        let days = Int((Double(time.microseconds) / 86_400_000_000).rounded(.down))
        // 1970-01-01 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][((days % 7) + 7) % 7]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let parts = text.split { "-T:.Z".contains($0) }.map(String.init)
        guard parts.count == 7, let month = Int(parts[1]), let day = Int(parts[2]) else {
            return "Thu, 1 Jan 1970 00:00:00 +0000"
        }
        return "\(weekday), \(day) \(months[month - 1]) \(parts[0]) "
            + "\(parts[3]):\(parts[4]):\(parts[5]) +0000"
    }
}
