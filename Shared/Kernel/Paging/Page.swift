/// One page of a list, and where the next begins.
package struct Page<Element: Sendable>: Sendable {
    package let data: [Element]
    /// Opaque; nil on the last page.
    package let nextCursor: String?

    package init(data: [Element], nextCursor: String?) {
        self.data = data
        self.nextCursor = nextCursor
    }

    /// Cuts a page from up to `limit + 1` rows: the extra row only tells that there is more.
    package init(rows: [Element], limit: Int, cursor: (Element) -> String) {
        let data = Array(rows.prefix(limit))
        self.init(data: data, nextCursor: rows.count > limit ? data.last.map(cursor) : nil)
    }

    /// The same page of what the rows are shown as.
    package func map<Shown: Sendable>(_ show: (Element) throws -> Shown) rethrows -> Page<Shown> {
        Page<Shown>(data: try data.map(show), nextCursor: nextCursor)
    }

    private enum CodingKeys: String, CodingKey {
        case data
        case nextCursor = "next_cursor"
    }
}

extension Page: Decodable where Element: Decodable {}

extension Page: Encodable where Element: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(data, forKey: .data)
        // Always present, so that a reader sees `null` on the last page.
        try container.encode(nextCursor, forKey: .nextCursor)
    }
}

/// What a caller asks of a list: at most `limit` rows after `cursor`.
package struct PageRequest: Sendable {
    /// Rows wanted, 1 to 200.
    package let limit: Int
    package let cursor: String?

    package static let defaultLimit = 50
    package static let maximumLimit = 200

    /// Throws `Problem` (`invalid_limit`) for a limit outside 1 to 200.
    package init(limit: Int? = nil, cursor: String? = nil) throws(Problem) {
        let limit = limit ?? Self.defaultLimit
        guard (1...Self.maximumLimit).contains(limit) else {
            throw .badRequest(
                "invalid_limit", "Use a limit from 1 to \(Self.maximumLimit).", pointer: "?limit")
        }
        self.limit = limit
        self.cursor = cursor
    }
}

extension Problem {
    /// For a cursor that no page has given.
    package static let invalidCursor = Problem.badRequest(
        "invalid_cursor", "Use the next_cursor of the page before.", pointer: "?cursor")
}
