package import HTTPKit
package import Kernel

/// A part of an event that few readers look at: what came over the wire stays as it came until
/// somebody does.
package enum LogContent: Sendable {
    /// Put together here.
    case value(JSONValue)
    /// A part of a page, which it keeps in memory.
    case slice(JSONSlice)

    /// All of it. Made anew each time: keep it where it is asked for often.
    package var value: JSONValue {
        switch self {
        case .value(let value): value
        case .slice(let slice): slice.value
        }
    }

    /// A member, when it is an object and has it; the rest is not read.
    package func member(_ name: String) -> LogContent? {
        switch self {
        case .value(let value): value[name].map { .value($0) }
        case .slice(let slice): slice[name].map { .slice($0) }
        }
    }

    /// The text of a string; nil for another kind.
    package var string: String? {
        switch self {
        case .value(let value): value.string
        case .slice(let slice): slice.string
        }
    }

    /// As JSON without white space.
    package var json: [UInt8] {
        get throws {
            switch self {
            case .value(let value): try JSONCoding.encode(value)
            case .slice(let slice): slice.packed
            }
        }
    }
}

extension LogContent: Hashable {
    package static func == (left: Self, right: Self) -> Bool { left.value == right.value }

    package func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
