/// Writes commands as RESP arrays of length-prefixed strings, on the caller's thread.
enum CommandEncoder {
    static func append(_ command: [RedisArgument], to bytes: inout [UInt8]) {
        appendLine("*", command.count, to: &bytes)
        for argument in command {
            switch argument {
            case .text(let text):
                var text = text
                text.withUTF8 { unsafe appendBulk($0, to: &bytes) }
            case .bytes(let content):
                unsafe content.withUnsafeBufferPointer { unsafe appendBulk($0, to: &bytes) }
            case .integer(let number):
                var text = String(number)
                text.withUTF8 { unsafe appendBulk($0, to: &bytes) }
            }
        }
    }

    private static func appendBulk(_ content: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        appendLine("$", content.count, to: &bytes)
        unsafe bytes.append(contentsOf: content)
        bytes.append(contentsOf: [13, 10])
    }

    private static func appendLine(_ mark: Unicode.Scalar, _ number: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: mark))
        bytes.append(contentsOf: String(number).utf8)
        bytes.append(contentsOf: [13, 10])
    }
}
