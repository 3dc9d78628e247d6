/// Makes so many calls at the same time; the results in no particular order.
func atOnce<Value: Sendable>(
    _ count: Int, _ call: @escaping @Sendable (Int) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: Value.self) { group in
        for number in 0..<count { group.addTask { try await call(number) } }
        var values: [Value] = []
        for try await value in group { values.append(value) }
        return values
    }
}
