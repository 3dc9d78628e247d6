import CSimdjson
import Kernel

/// A valid document: its bytes and an index of every value in them.
struct JSONDocument: Sendable {
    let bytes: [UInt8]
    private(set) var nodes: [JSONNode]
    /// No white space is between the parts.
    let isPacked: Bool

    /// Checks and indexes. Throws 400 `malformed_json`, and in strict mode `duplicate_key`.
    ///
    /// Two parsers must agree: simdjson on everything, and the scanner, which also keeps the
    /// written form of numbers. Only a number outside 64 bits is left to the scanner alone.
    ///
    /// - Parameter isOurs: what one of our services wrote, all of whose parts were checked so when
    ///   they came in: the scanner is enough, and simdjson looks only at the UTF-8.
    init(
        _ bytes: [UInt8], strictness: JSONStrictness, isOurs: Bool = false
    ) throws(Problem) {
        var scanner = JSONScanner(expectedNodes: min(bytes.count / 6 + 4, 1 << 16))
        let verdict = unsafe bytes.withUnsafeBufferPointer { buffer in
            isOurs
                ? unsafe csimdjson_validate_text(buffer.baseAddress, buffer.count)
                : unsafe csimdjson_validate(buffer.baseAddress, buffer.count)
        }
        switch verdict {
        case CSIMDJSON_INVALID_UTF8: throw Self.malformed("it is not valid UTF-8")
        case CSIMDJSON_OUT_OF_MEMORY:
            throw .unavailable()
        default: break
        }
        do throws(JSONSyntaxError) {
            try scanner.scan(bytes.span)
        } catch {
            throw Self.malformed("byte \(error.offset): \(error.reason)")
        }
        guard verdict != CSIMDJSON_INVALID else { throw Self.malformed("it breaks RFC 8259") }
        self.bytes = bytes
        nodes = scanner.nodes
        isPacked = !scanner.hasSpace
        try resolveDuplicates(strictness)
    }

    private static func malformed(_ reason: String) -> Problem {
        .badRequest("malformed_json", "The body is not a JSON document: \(reason)")
    }

    // MARK: - Reading

    /// The text of a string node.
    func text(_ node: JSONNode) -> String {
        if node.isEscaped { return unescaped(node) }
        return String(decoding: bytes[node.range], as: UTF8.self)
    }

    /// Whether a string node has exactly this text.
    func isText(_ node: JSONNode, _ text: String) -> Bool {
        if node.isEscaped { return unescaped(node) == text }
        let wanted = text.utf8.span
        let start = Int(node.start)
        guard Int(node.end) - start == wanted.count else { return false }
        let own = bytes.span
        for offset in 0..<wanted.count where own[start + offset] != wanted[offset] { return false }
        return true
    }

    /// The value that begins at a node.
    func value(at index: Int) -> JSONValue {
        let node = nodes[index]
        switch node.kind {
        case .null: return .null
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .string: return .string(text(node))
        case .number:
            return .number(
                JSONNumber(text: String(decoding: bytes[node.range], as: UTF8.self)))
        case .array:
            var elements: [JSONValue] = []
            forEachElement(of: index) { elements.append(value(at: $0)) }
            return .array(elements)
        case .object:
            var members: [String: JSONValue] = [:]
            forEachMember(of: index) { members[text(nodes[$0])] = value(at: $0 + 1) }
            return .object(members)
        }
    }

    /// Calls with the index of each element of an array.
    func forEachElement(of array: Int, _ body: (Int) -> Void) {
        var index = array + 1
        let end = Int(nodes[array].next)
        while index < end {
            body(index)
            index = Int(nodes[index].next)
        }
    }

    /// Calls with the index of each key of an object that counts; its value is at the next index.
    func forEachMember<Failure: Error>(
        of object: Int, _ body: (Int) throws(Failure) -> Void
    ) throws(Failure) {
        var index = object + 1
        let end = Int(nodes[object].next)
        while index < end {
            if !nodes[index].isShadowed { try body(index) }
            index = Int(nodes[index + 1].next)
        }
    }

    /// The index of a member's value; nil when the object has none of this name.
    func member(_ name: String, of object: Int) -> Int? {
        member(name, from: object + 1, to: Int(nodes[object].next))
    }

    /// The same among the keys from one on, and before another.
    func member(_ name: String, from key: Int, to end: Int) -> Int? {
        var index = key
        while index < end {
            let key = nodes[index]
            if !key.isShadowed, isText(key, name) { return index + 1 }
            index = Int(nodes[index + 1].next)
        }
        return nil
    }

    private func unescaped(_ node: JSONNode) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(node.range.count)
        var index = Int(node.start)
        while index < node.end {
            guard bytes[index] == UInt8(ascii: "\\") else {
                output.append(bytes[index])
                index += 1
                continue
            }
            index += 2
            switch bytes[index - 1] {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"): appendUnicode(at: &index, to: &output)
            case let other: output.append(other)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private func appendUnicode(at index: inout Int, to output: inout [UInt8]) {
        var scalar = codeUnit(at: index)
        index += 4
        if (0xD800...0xDBFF).contains(scalar) {
            scalar = 0x10000 + (scalar - 0xD800) << 10 + (codeUnit(at: index + 2) - 0xDC00)
            index += 6
        }
        if let scalar = Unicode.Scalar(scalar) {
            output.append(contentsOf: Character(scalar).utf8)
        }
    }

    private func codeUnit(at index: Int) -> UInt32 {
        bytes[index..<index + 4].reduce(0) {
            $0 << 4 | UInt32(PercentDecoding.hexValue($1) ?? 0)
        }
    }

    // MARK: - Duplicate keys

    private mutating func resolveDuplicates(_ strictness: JSONStrictness) throws(Problem) {
        var keys: [Int] = []
        for index in nodes.indices where nodes[index].kind == .object && mayRepeatKeys(index) {
            keys.removeAll(keepingCapacity: true)
            var key = index + 1
            let end = Int(nodes[index].next)
            while key < end {
                keys.append(key)
                key = Int(nodes[key + 1].next)
            }
            guard keys.count > 1 else { continue }
            let duplicates = duplicates(among: keys)
            guard !duplicates.isEmpty else { continue }
            if strictness == .strict {
                let errors = duplicates.prefix(20).map { key in
                    Problem.FieldError(
                        pointer: pointer(to: key + 1), code: "duplicate_key",
                        detail: "'\(text(nodes[key]))' occurs more than once.")
                }
                throw .invalid(Array(errors))
            }
            for key in duplicates { nodes[key].isShadowed = true }
        }
    }

    /// False for nearly every object without duplicates, at little cost: no two keys are alike in
    /// length and in a mix of their first and last bytes.
    private func mayRepeatKeys(_ object: Int) -> Bool {
        let own = bytes.span
        var seen = InlineArray<16, UInt64>(repeating: 0)
        var index = object + 1
        let end = Int(nodes[object].next)
        while index < end {
            let key = nodes[index]
            if key.isEscaped { return true }
            let mark = mark(of: key, own)
            let (word, bit) = (Int(mark >> 6), UInt64(1) << (mark & 63))
            if seen[word] & bit != 0 { return true }
            seen[word] |= bit
            index = Int(nodes[index + 1].next)
        }
        return false
    }

    /// A number below 1024 that is the same for the same key.
    private func mark(of key: JSONNode, _ own: Swift.Span<UInt8>) -> UInt64 {
        let (start, length) = (Int(key.start), Int(key.end - key.start))
        var mix = UInt64(length)
        if length >= 8 {
            // Both lie within the key.
            mix ^= unsafe own.bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: start, as: UInt64.self)
            mix = mix &* 0x9E37_79B9_7F4A_7C15
            mix ^= unsafe own.bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: start + length - 8, as: UInt64.self)
        } else {
            for place in start..<start + length { mix = mix << 8 ^ UInt64(own[place]) }
        }
        return (mix &* 0x9E37_79B9_7F4A_7C15) >> 54
    }

    /// Every key that occurs again later.
    private func duplicates(among keys: [Int]) -> [Int] {
        if keys.count > 16 {
            var seen: Set<String> = []
            return keys.reversed().filter { !seen.insert(text(nodes[$0])).inserted }.reversed()
        }
        var found: [Int] = []
        for position in keys.indices {
            let key = nodes[keys[position]]
            for later in position + 1..<keys.count where isSameText(key, nodes[keys[later]]) {
                found.append(keys[position])
                break
            }
        }
        return found
    }

    private func isSameText(_ left: JSONNode, _ right: JSONNode) -> Bool {
        if left.isEscaped || right.isEscaped { return text(left) == text(right) }
        // Nearly always told by the length or the last letter.
        guard left.end - left.start == right.end - right.start else { return false }
        let own = bytes.span
        let (leftEnd, rightEnd) = (Int(left.end), Int(right.end))
        for offset in 1..<leftEnd - Int(left.start) + 1
        where own[leftEnd - offset] != own[rightEnd - offset] {
            return false
        }
        return true
    }
}

/// JSON pointers (RFC 6901).
enum JSONPointer {
    static func escape(_ step: String) -> String {
        guard step.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") })
        else { return step }
        return step.reduce(into: "") { text, character in
            switch character {
            case "~": text += "~0"
            case "/": text += "~1"
            default: text.append(character)
            }
        }
    }
}
