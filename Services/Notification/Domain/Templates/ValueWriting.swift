/// Writes values so that their characters mean nothing but themselves where they stand.
enum ValueWriting {
    /// Nil for a value that may not stand there at all.
    static func write(_ text: String, _ encoding: ValueEncoding) -> String? {
        switch encoding {
        case .header: header(text)
        case .plain: plain(text)
        case .htmlText, .htmlAttribute: html(text)
        case .url(let allowsMail): isSafeURL(text, allowsMail: allowsMail) ? html(text) : nil
        case .urlPart: percentEncoded(text)
        }
    }

    /// One line: whatever could begin another becomes a space.
    static func header(_ text: String) -> String {
        map(text) { isControl($0) || $0 == "\u{2028}" || $0 == "\u{2029}" ? " " : String($0) }
    }

    /// Text with line breaks and tabs, without other control characters.
    static func plain(_ text: String) -> String {
        map(text) { isControl($0) && !"\n\r\t".unicodeScalars.contains($0) ? "" : String($0) }
    }

    /// Text for elements and for attributes in either quotes.
    static func html(_ text: String) -> String {
        map(text) { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            case "'": "&#39;"
            case "`": "&#96;"
            case "\n", "\r", "\t": String(scalar)
            default: isControl(scalar) ? "" : String(scalar)
            }
        }
    }

    /// Everything but the unreserved characters (RFC 3986 §2.3) percent-encoded.
    static func percentEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether it is an absolute URL of a scheme that only shows something.
    static func isSafeURL(_ text: String, allowsMail: Bool) -> Bool {
        guard text.utf8.count <= 2000,
            text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value != 127 && $0 != "\\" })
        else { return false }
        let lower = text.lowercased()
        if allowsMail, lower.hasPrefix("mailto:") { return lower.utf8.count > 7 }
        for scheme in ["https://", "http://"] where lower.hasPrefix(scheme) {
            let host = lower.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
            return !host.isEmpty && !host.contains("@") && !host.hasPrefix(":")
        }
        return false
    }

    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 32 || (127...159).contains(scalar.value)
    }

    private static func map(_ text: String, _ change: (Unicode.Scalar) -> String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars { result += change(scalar) }
        return result
    }
}
