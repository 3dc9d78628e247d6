/// How to reach a ClickHouse over HTTP, and the bounds of everything.
package struct ClickHouseConfiguration: Sendable {
    /// Scheme, host and port, without a slash at the end.
    let address: String
    let user: String
    let password: String
    /// The database that statements are about.
    package let database: String

    /// How long a statement may take unless the call says otherwise.
    package var queryDeadline: Duration = .seconds(10)
    /// How long an insert may take.
    package var insertDeadline: Duration = .seconds(30)
    /// How large an answer may be.
    package var responseLimitBytes = 32 * 1024 * 1024

    /// Reads `http://user:password@host:port/database`; the password may be percent-encoded.
    /// Throws `.configuration` for anything else.
    package init(url: String) throws(ClickHouseError) {
        guard let scheme = ["http://", "https://"].first(where: { url.hasPrefix($0) }),
            case let parts = url.dropFirst(scheme.count).split(
                separator: "/", maxSplits: 1, omittingEmptySubsequences: false),
            parts.count == 2, ClickHouseSQL.isIdentifier(String(parts[1])),
            let at = parts[0].lastIndex(of: "@")
        else { throw Self.unreadable }
        let credentials = parts[0][..<at].split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let host = parts[0][parts[0].index(after: at)...]
        guard credentials.count == 2, !credentials[0].isEmpty, !host.isEmpty,
            let user = PercentText.decode(credentials[0]),
            let password = PercentText.decode(credentials[1])
        else { throw Self.unreadable }
        address = "\(scheme)\(host)"
        self.user = user
        self.password = password
        database = String(parts[1])
    }

    private init(_ other: ClickHouseConfiguration, database: String) {
        address = other.address
        user = other.user
        password = other.password
        self.database = database
        queryDeadline = other.queryDeadline
        insertDeadline = other.insertDeadline
        responseLimitBytes = other.responseLimitBytes
    }

    /// The same server and user with another database.
    package func with(database: String) -> ClickHouseConfiguration {
        ClickHouseConfiguration(self, database: database)
    }

    /// The URL may hold a password, so it is not repeated.
    private static var unreadable: ClickHouseError {
        ClickHouseError(
            .configuration, "the URL is not http://user:password@host:port/database")
    }
}

/// Percent-encoding of what goes into a URL.
enum PercentText {
    /// RFC 3986 §2.3: only unreserved characters stay.
    static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                48...57, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }

    /// Nil for a broken escape or bytes that are no UTF-8.
    static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16)
            else { return nil }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
