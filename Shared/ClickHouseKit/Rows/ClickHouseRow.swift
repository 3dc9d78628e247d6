package import FoundationEssentials
package import Kernel

/// One row of an answer: values by column.
package struct ClickHouseRow: Sendable {
    let values: JSONValue

    /// The value of a column. Throws `.decoding` when there is no such column or it holds something
    /// else.
    package func get<Value: ClickHouseDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(ClickHouseError) -> Value {
        guard let value = values[column], let decoded = Value(clickHouse: value) else {
            throw .unreadable("the column \(column)")
        }
        return decoded
    }
}

/// A type that is read from a row.
package protocol ClickHouseRowDecodable: Sendable {
    /// Throws `.decoding` for a row that is not of this type.
    init(row: ClickHouseRow) throws(ClickHouseError)
}

/// A value that can be read from a column of an answer in JSON.
package protocol ClickHouseDecodable: Sendable {
    /// Nil when the value is something else. 64-bit integers and decimals come as strings.
    init?(clickHouse value: JSONValue)
}

extension String: ClickHouseDecodable {
    package init?(clickHouse value: JSONValue) {
        guard let text = value.string else { return nil }
        self = text
    }
}

extension Int: ClickHouseDecodable {
    package init?(clickHouse value: JSONValue) {
        guard let number = value.integer ?? value.string.flatMap({ Int($0) }) else { return nil }
        self = number
    }
}

extension UInt64: ClickHouseDecodable {
    package init?(clickHouse value: JSONValue) {
        guard let number = (value.number?.text ?? value.string).flatMap({ UInt64($0) }) else {
            return nil
        }
        self = number
    }
}

extension Int128: ClickHouseDecodable {
    /// A `Decimal(38,0)`, selected as it is: `toString` of 18.16 garbles large ones.
    package init?(clickHouse value: JSONValue) {
        guard let number = (value.number?.text ?? value.string).flatMap({ Int128($0) }) else {
            return nil
        }
        self = number
    }
}

extension Bool: ClickHouseDecodable {
    /// A `UInt8` of 0 or 1.
    package init?(clickHouse value: JSONValue) {
        guard let number = value.integer, number == 0 || number == 1 else { return nil }
        self = number == 1
    }
}

extension UUID: ClickHouseDecodable {
    package init?(clickHouse value: JSONValue) {
        guard let id = value.string.flatMap({ UUID(uuidString: $0) }) else { return nil }
        self = id
    }
}

extension TypeID: ClickHouseDecodable {
    package init?(clickHouse value: JSONValue) {
        guard let id = UUID(clickHouse: value) else { return nil }
        self.init(id)
    }
}

extension Optional: ClickHouseDecodable where Wrapped: ClickHouseDecodable {
    package init?(clickHouse value: JSONValue) {
        if value == .null {
            self = .none
        } else {
            guard let wrapped = Wrapped(clickHouse: value) else { return nil }
            self = .some(wrapped)
        }
    }
}

extension Array: ClickHouseDecodable where Element: ClickHouseDecodable {
    package init?(clickHouse value: JSONValue) {
        guard let values = value.array else { return nil }
        var elements: [Element] = []
        for value in values {
            guard let element = Element(clickHouse: value) else { return nil }
            elements.append(element)
        }
        self = elements
    }
}
