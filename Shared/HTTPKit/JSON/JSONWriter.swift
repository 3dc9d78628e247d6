/// Writes JSON text straight into bytes.
///
/// `Codable` never says that a container is complete, so the writer closes inner containers when an
/// outer one goes on. That asks writers to fill one container after the other, as all do.
final class JSONWriter {
    private struct Frame {
        let isArray: Bool
        var isEmpty = true
    }

    private(set) var bytes: [UInt8] = []
    private var frames: [Frame] = []
    /// A key or comma was written and no value yet.
    private var awaitsValue = false

    init() {
        bytes.reserveCapacity(256)
    }

    var depth: Int { frames.count }

    /// Opens an object or array at a depth, or goes on with the object that is open there.
    func open(isArray: Bool, at depth: Int) throws {
        if frames.count > depth, !awaitsValue, !isArray, !frames[depth].isArray {
            close(to: depth + 1)
            return
        }
        guard frames.count == depth else { throw Self.interleaved }
        awaitsValue = false
        bytes.append(isArray ? UInt8(ascii: "[") : UInt8(ascii: "{"))
        frames.append(Frame(isArray: isArray))
    }

    /// Closes every container deeper than `depth`.
    func close(to depth: Int) {
        if awaitsValue {
            awaitsValue = false
            bytes.append(UInt8(ascii: "{"))
            bytes.append(UInt8(ascii: "}"))
        }
        while frames.count > depth {
            let frame = frames.removeLast()
            bytes.append(frame.isArray ? UInt8(ascii: "]") : UInt8(ascii: "}"))
        }
    }

    /// Makes ready for the next element of the array at `depth`.
    func element(at depth: Int) throws {
        try next(at: depth)
        awaitsValue = true
    }

    /// Writes a key of the object at `depth`.
    func key(_ name: String, at depth: Int) throws {
        try next(at: depth)
        string(name)
        bytes.append(UInt8(ascii: ":"))
        awaitsValue = true
    }

    private func next(at depth: Int) throws {
        guard frames.count >= depth else { throw Self.interleaved }
        close(to: depth)
        if frames[depth - 1].isEmpty {
            frames[depth - 1].isEmpty = false
        } else {
            bytes.append(UInt8(ascii: ","))
        }
    }

    private static var interleaved: EncodingError {
        .invalidValue(
            0, .init(codingPath: [], debugDescription: "Containers were filled interleaved."))
    }

    // MARK: - Scalars

    func null() { raw("null") }

    func boolean(_ value: Bool) { raw(value ? "true" : "false") }

    func integer(_ value: some BinaryInteger) { raw(String(value)) }

    func float<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Number) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value, .init(codingPath: [], debugDescription: "The number is not finite."))
        }
        raw(value.description)
    }

    /// Text that is JSON already.
    func raw(_ text: String) {
        awaitsValue = false
        bytes.append(contentsOf: text.utf8)
    }

    func string(_ text: String) {
        awaitsValue = false
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.contains(where: Self.needsEscape) {
            for byte in text.utf8 {
                if Self.needsEscape(byte) { escape(byte) } else { bytes.append(byte) }
            }
        } else {
            bytes.append(contentsOf: text.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0..<0x20:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 15
            bytes.append(low < 10 ? 48 + low : 87 + low)
        default: bytes.append(byte)
        }
    }
}
