/// An answer of Redis (RESP2), owned by the caller.
package enum RedisValue: Sendable, Hashable {
    case null
    /// A status line such as `OK`.
    case status(String)
    case integer(Int64)
    case bytes([UInt8])
    case array([RedisValue])
    /// An error inside a pipeline or an array; on its own an error is thrown instead.
    case error(RedisError)

    package var isNull: Bool { self == .null }

    /// The number: an integer, or text that reads as one (`GET` of a counter).
    package var integer: Int? {
        switch self {
        case .integer(let value): Int(value)
        case .bytes, .status: string.flatMap { Int($0) }
        default: nil
        }
    }

    /// The text of a string or a status; invalid UTF-8 is repaired.
    package var string: String? {
        switch self {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// The bytes of a string.
    package var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    /// The elements of an array.
    package var array: [RedisValue]? { if case .array(let items) = self { items } else { nil } }
}

/// One word of a command. Always sent with its length, so no content can break out of it.
package enum RedisArgument: Sendable, Hashable, ExpressibleByStringLiteral,
    ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral
{
    case text(String)
    case bytes([UInt8])
    case integer(Int)

    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
}

/// A Lua script; the server keeps it compiled, so runs send only its digest.
package struct RedisScript: Sendable, Hashable {
    /// The Lua source; `KEYS` and `ARGV` as Redis documents them.
    package let source: String

    /// `source` should be a constant of the program: every client remembers a digest per source.
    package init(_ source: String) {
        self.source = source
    }
}

/// What a subscription tells its reader.
package enum RedisSignal: Sendable, Hashable {
    /// The server confirmed the subscription, at first and after every reconnect. Messages before
    /// it may have been missed: read the state now.
    case subscribed
    /// Something was published on a matching channel.
    case message(channel: String, payload: String)
    /// The connection broke; `subscribed` follows when it is back.
    case disconnected
}
