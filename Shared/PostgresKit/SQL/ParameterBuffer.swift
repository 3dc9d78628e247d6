/// The bound values of a statement, encoded one after the other in one buffer.
struct ParameterBuffer: Sendable {
    struct Entry: Sendable {
        let type: PostgresType
        /// Where the value begins in `bytes`.
        let offset: Int
        /// Bytes of the value; negative for NULL.
        let length: Int
    }

    /// The most values that the protocol can number in one statement.
    static let maximumCount = 65535
    /// The server takes no message beyond 1 GB.
    static let maximumBytes = 1 << 30

    private(set) var bytes: [UInt8] = []
    private(set) var entries: [Entry] = []
    /// The types' numbers, apart because a prepared statement is known by its text and them.
    private(set) var types: [UInt32] = []
    /// Why a value cannot be sent; thrown when the statement is about to run.
    private(set) var failure: PostgresError?

    mutating func append<Value: PostgresEncodable>(_ value: Value) {
        let offset = bytes.count
        var writer = ValueWriter(bytes: bytes)
        // Give up our reference first: writing must not copy what is there already.
        bytes = []
        value.write(to: &writer)
        if failure == nil { failure = writer.failure }
        bytes = writer.bytes
        let length = writer.isNull ? -1 : bytes.count - offset
        // libpq takes values in text format as C strings.
        if Value.postgresType.format == .text { bytes.append(0) }
        entries.append(Entry(type: Value.postgresType, offset: offset, length: length))
        types.append(Value.postgresType.oid)
        if entries.count > Self.maximumCount { fail("more than \(Self.maximumCount) values") }
        if bytes.count > Self.maximumBytes { fail("more than 1 GB of values") }
    }

    mutating func fail(_ reason: String) {
        if failure == nil { failure = PostgresError(.encoding, reason) }
    }

    mutating func append(_ other: ParameterBuffer) {
        let shift = bytes.count
        bytes += other.bytes
        entries += other.entries.map {
            Entry(type: $0.type, offset: $0.offset + shift, length: $0.length)
        }
        types += other.types
        if failure == nil { failure = other.failure }
    }
}
