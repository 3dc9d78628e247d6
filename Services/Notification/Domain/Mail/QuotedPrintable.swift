/// The quoted-printable form of a text (RFC 2045 §6.7): lines of at most 76 ASCII characters.
enum QuotedPrintable {
    private static let lineLimit = 76
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The text in UTF-8; every kind of line break becomes CRLF, and the last line has one.
    static func encode(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        for line in lines(of: text) {
            append(Array(line), to: &output)
            output += [13, 10]
        }
        return output
    }

    private static func lines(of text: String) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        let bytes = Array(text.utf8)
        var start = 0
        var index = 0
        while index < bytes.count {
            guard bytes[index] == 13 || bytes[index] == 10 else {
                index += 1
                continue
            }
            lines.append(bytes[start..<index])
            let isPair = bytes[index] == 13 && index + 1 < bytes.count && bytes[index + 1] == 10
            index += isPair ? 2 : 1
            start = index
        }
        if start < bytes.count { lines.append(bytes[start...]) }
        return lines
    }

    private static func append(_ line: [UInt8], to output: inout [UInt8]) {
        var length = 0
        for (index, byte) in line.enumerated() {
            let isLast = index == line.count - 1
            let isBlank = byte == 32 || byte == 9
            let isPlain = ((33...126).contains(byte) && byte != 61) || (isBlank && !isLast)
            // A dot at the start of a line is special to SMTP: nobody need stuff it.
            let isLiteral = isPlain && !(length == 0 && byte == UInt8(ascii: "."))
            let width = isLiteral ? 1 : 3
            // Room for the "=" that says that the line goes on, unless this ends it.
            if length + width > (isLast ? lineLimit : lineLimit - 1) {
                output += [61, 13, 10]
                length = 0
                if isLiteral, byte == UInt8(ascii: ".") {
                    append(encoded: byte, to: &output)
                    length = 3
                    continue
                }
            }
            if isLiteral {
                output.append(byte)
            } else {
                append(encoded: byte, to: &output)
            }
            length += width
        }
    }

    private static func append(encoded byte: UInt8, to output: inout [UInt8]) {
        output += [61, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}
