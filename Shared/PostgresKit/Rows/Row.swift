/// One row of an answer. Cheap to copy; keeps the whole answer alive.
package struct Row: Sendable {
    let table: ResultTable
    let index: Int

    /// The value of a column. Throws `.decoding` for an unknown column, another type, or NULL where
    /// `Value` is not optional.
    package func get<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let position = table.column(named: column) else {
            throw PostgresError(.decoding, "no column \(column)")
        }
        return try get(at: position)
    }

    /// The value of the column at a position, the first is 0. Throws as `get(_:)` does.
    package func get<Value: PostgresDecodable>(
        at position: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard (0..<table.columnCount).contains(position) else {
            throw PostgresError(.decoding, "no column at \(position)")
        }
        do {
            return try Value.read(from: table.value(row: index, column: position))
        } catch {
            throw PostgresError(
                error.code, "column \(table.columnName(position)): \(error.reason)")
        }
    }

    /// An enumeration with text values. Throws `.decoding` for a value it does not know.
    @_disfavoredOverload
    package func get<Choice: RawRepresentable>(
        _ column: String, as type: Choice.Type = Choice.self
    ) throws(PostgresError) -> Choice where Choice.RawValue == String {
        try choice(get(column), column)
    }

    /// An enumeration with text values, or nil for NULL.
    @_disfavoredOverload
    package func get<Choice: RawRepresentable>(
        _ column: String, as type: Choice?.Type = Choice?.self
    ) throws(PostgresError) -> Choice? where Choice.RawValue == String {
        guard let text = try get(column, as: String?.self) else { return nil }
        return try choice(text, column)
    }

    private func choice<Choice: RawRepresentable>(
        _ text: String, _ column: String
    ) throws(PostgresError) -> Choice where Choice.RawValue == String {
        guard let choice = Choice(rawValue: text) else {
            throw PostgresError(.decoding, "column \(column): an unknown value for \(Choice.self)")
        }
        return choice
    }
}

/// A type that is read from a row.
package protocol RowDecodable: Sendable {
    /// Reads the columns it needs. Throws `.decoding` when they do not fit.
    init(row: Row) throws(PostgresError)
}
