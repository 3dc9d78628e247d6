import Kernel
import SecurityKit

extension EnvironmentReader {
    /// Any text.
    package mutating func string(_ name: String, default text: String, _ what: String) -> String {
        value(name, default: text, written: text, what) { value throws(InvalidValue) in value }
    }

    /// Text that may be left out.
    package mutating func optionalString(
        _ name: String, example: String, isSecret: Bool = false, _ what: String
    ) -> String? {
        value(name, default: nil, written: "", example: example, isSecret: isSecret, what) {
            value throws(InvalidValue) in value
        }
    }

    /// A secret text that must be given, in the variable or in the file that `<name>_FILE` names.
    package mutating func secret(
        _ name: String, example: String, minimumBytes: Int = 1, _ what: String
    ) -> String {
        required(name, example: example, isSecret: true, standIn: "", what) {
            value throws(InvalidValue) in
            guard value.utf8.count >= minimumBytes else {
                throw InvalidValue("It must have at least \(minimumBytes) bytes.")
            }
            return value
        }
    }

    /// A secret text that may be left out.
    package mutating func optionalSecret(
        _ name: String, example: String, minimumBytes: Int = 1, _ what: String
    ) -> String? {
        value(name, default: nil, written: "", example: example, isSecret: true, what) {
            value throws(InvalidValue) in
            guard value.utf8.count >= minimumBytes else {
                throw InvalidValue("It must have at least \(minimumBytes) bytes.")
            }
            return value
        }
    }

    /// A whole number within bounds.
    package mutating func integer(
        _ name: String, default number: Int, in range: ClosedRange<Int>, _ what: String
    ) -> Int {
        value(name, default: number, written: String(number), what) {
            text throws(InvalidValue) in
            guard let number = Int(text), range.contains(number) else {
                throw InvalidValue(
                    "'\(text)' is not a whole number from \(range.lowerBound) to "
                        + "\(range.upperBound).")
            }
            return number
        }
    }

    /// `true` or `false`.
    package mutating func boolean(_ name: String, default flag: Bool, _ what: String) -> Bool {
        value(name, default: flag, written: String(flag), what) { text throws(InvalidValue) in
            guard let flag = Bool(text) else {
                throw InvalidValue("'\(text)' is neither 'true' nor 'false'.")
            }
            return flag
        }
    }

    /// A duration with its unit: `250ms`, `5s`, `2m`, `48h`, `14d`.
    package mutating func duration(
        _ name: String, default duration: Duration, in range: ClosedRange<Duration>, _ what: String
    ) -> Duration {
        value(name, default: duration, written: DurationText.text(duration), what) {
            text throws(InvalidValue) in
            guard let duration = DurationText.parse(text) else {
                throw InvalidValue("'\(text)' is not a number with ms, s, m, h or d after it.")
            }
            guard range.contains(duration) else {
                throw InvalidValue(
                    "'\(text)' is not from \(DurationText.text(range.lowerBound)) to "
                        + "\(DurationText.text(range.upperBound)).")
            }
            return duration
        }
    }

    /// One of a few words.
    package mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, default choice: Choice, _ what: String
    ) -> Choice where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return value(name, default: choice, written: choice.rawValue, "\(what) (\(words))") {
            text throws(InvalidValue) in
            guard let choice = Choice(rawValue: text) else {
                throw InvalidValue("'\(text)' is none of \(words).")
            }
            return choice
        }
    }

    /// The base address of an HTTP server, kept without a trailing slash.
    package mutating func httpURL(_ name: String, default url: String, _ what: String) -> String {
        value(name, default: url, written: url, what) { text throws(InvalidValue) in
            try Self.httpURL(text)
        }
    }

    /// A base address that may be left out.
    package mutating func optionalHTTPURL(
        _ name: String, example: String, _ what: String
    ) -> String? {
        value(name, default: nil, written: "", example: example, what) {
            text throws(InvalidValue) in text.isEmpty ? nil : try Self.httpURL(text)
        }
    }

    /// The 32 bytes from which a service derives its keys for data at rest. Must be set; a stand-in
    /// is returned after a problem, until `finish()` throws.
    package mutating func masterKey(_ name: String, _ what: String) -> [UInt8] {
        required(
            name, example: "the output of the command generate-key", isSecret: true,
            standIn: SecureRandom.bytes(AES256GCM.keyByteCount), "32 bytes in base64url: \(what)"
        ) { text throws(InvalidValue) in
            guard let key = Base64URL.decode(text), key.count == AES256GCM.keyByteCount else {
                throw InvalidValue("It is not 32 bytes in base64url without padding.")
            }
            return key
        }
    }

    private static func httpURL(_ text: String) throws(InvalidValue) -> String {
        let rest: Substring
        if text.hasPrefix("http://") {
            rest = text.dropFirst(7)
        } else if text.hasPrefix("https://") {
            rest = text.dropFirst(8)
        } else {
            throw InvalidValue("'\(text)' does not begin with http:// or https://.")
        }
        let isPlain = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isPlain, let first = rest.first, first != "/", first != ":",
            !rest.contains(where: { $0 == "?" || $0 == "#" })
        else {
            throw InvalidValue("'\(text)' is not a base address (scheme, host, port, path).")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// Where to listen: `host:port`, `[v6]:port`; port 0 takes any free one.
    package mutating func listenAddress(
        _ name: String, default address: ListenAddress, _ what: String
    ) -> ListenAddress {
        value(name, default: address, written: address.description, what) {
            text throws(InvalidValue) in
            guard let address = ListenAddress(text) else {
                throw InvalidValue("'\(text)' is not an IP address, a colon and a port.")
            }
            return address
        }
    }
}

/// Durations as operators write them.
enum DurationText {
    private static let units: [(suffix: String, duration: Duration)] = [
        ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)),
        ("d", .seconds(86400)),
    ]

    static func parse(_ text: String) -> Duration? {
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard !digits.isEmpty, digits.count <= 9,
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(digits)
        else { return nil }
        return unit.duration * number
    }

    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        for unit in units.reversed() where milliseconds != 0 {
            let size = unit.duration.wholeMilliseconds
            if milliseconds % size == 0 { return "\(milliseconds / size)\(unit.suffix)" }
        }
        return "0s"
    }
}
