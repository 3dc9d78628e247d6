package import HTTPKit
import Kernel
import Synchronization

/// Speaks with ClickHouse over HTTP. SQL that runs on 18.16 and on today's releases alike.
///
/// Every call has a deadline, on our side and on the server's. Reads are tried twice when a kept
/// connection turns out to be closed; nothing else is repeated here.
package final class ClickHouseClient: Sendable {
    /// Settings that only some releases know, and which mean trouble when they are not set.
    private static let wantedSettings = ["async_insert": "0", "optimize_on_insert": "0"]

    package let configuration: ClickHouseConfiguration
    private let http: HTTPClient
    private let known = Mutex<[(String, String)]?>(nil)

    /// Opens nothing: connections come about with the first call, through `http`, which is shared.
    package init(_ configuration: ClickHouseConfiguration, http: HTTPClient) {
        self.configuration = configuration
        self.http = http
    }

    /// Whether the server answers to the user and the password. Throws when it does not.
    package func ping(within deadline: Duration = .seconds(2)) async throws(ClickHouseError) {
        _ = try await query("SELECT 1 AS one", inDatabase: false, within: deadline)
    }

    /// Rows. The server may not write while it runs the statement. Do not end it with FORMAT.
    ///
    /// - Parameter inDatabase: false for statements that are about no database of ours.
    package func query(
        _ sql: ClickHouseSQL, inDatabase: Bool = true, within deadline: Duration? = nil
    ) async throws(ClickHouseError) -> [ClickHouseRow] {
        let parameters = [
            ("readonly", "2"), ("output_format_json_quote_64bit_integers", "1"),
        ]
        let response = try await send(
            sql + "\nFORMAT JSON", parameters, retry: .keyed(attempts: 2),
            within: deadline ?? configuration.queryDeadline, inDatabase: inDatabase)
        let document: JSONValue
        do {
            document = try JSONCoding.parse(response.body)
        } catch { throw ClickHouseError(.decoding, "the answer is not JSON") }
        guard let rows = document["data"]?.array else { throw .unreadable("the answer") }
        return rows.map { ClickHouseRow(values: $0) }
    }

    /// Rows of a type. See above.
    package func query<Row: ClickHouseRowDecodable>(
        _ sql: ClickHouseSQL, as type: Row.Type, within deadline: Duration? = nil
    ) async throws(ClickHouseError) -> [Row] {
        var decoded: [Row] = []
        for row in try await query(sql, within: deadline) { decoded.append(try Row(row: row)) }
        return decoded
    }

    /// Runs a statement without an answer: a definition, a mutation, an `INSERT … SELECT`.
    ///
    /// - Parameter inDatabase: false for statements that are about no database, or make it.
    package func execute(
        _ sql: ClickHouseSQL, inDatabase: Bool = true, within deadline: Duration? = nil
    ) async throws(ClickHouseError) {
        _ = try await send(
            sql, [], retry: .never, within: deadline ?? configuration.insertDeadline,
            inDatabase: inDatabase)
    }

    // MARK: - Requests

    func send(
        _ sql: ClickHouseSQL, _ parameters: [(String, String)], body: [UInt8]? = nil,
        retry: RetryPolicy, within deadline: Duration, inDatabase: Bool = true
    ) async throws(ClickHouseError) -> ClientResponse {
        if let failure = sql.failure { throw ClickHouseError(.encoding, failure) }
        var parameters = parameters
        // Errors must come as a status, not in the middle of an answer.
        parameters.append(("wait_end_of_query", "1"))
        let seconds = max(1, Int((deadline.wholeMilliseconds + 999) / 1000))
        parameters.append(("max_execution_time", String(seconds)))
        if inDatabase { parameters.append(("database", configuration.database)) }
        var headers = HTTPHeaders()
        headers.add("X-ClickHouse-User", configuration.user)
        headers.add("X-ClickHouse-Key", configuration.password)
        if body == nil {
            headers.add("Content-Type", "text/plain; charset=utf-8")
        } else {
            // A body that is cut off must fail: 18.16 keeps the whole rows of one that is not
            // packed.
            headers.add("Content-Encoding", "gzip")
            headers.add("Content-Type", "application/octet-stream")
            parameters.append(("query", sql.text))
        }
        let query = parameters.map { "\($0.0)=\(PercentText.encode($0.1))" }
        let request = ClientRequest(
            method: .post, url: "\(configuration.address)/?\(query.joined(separator: "&"))",
            headers: headers, body: body ?? Array(sql.text.utf8), deadline: deadline,
            retry: retry, responseLimitBytes: configuration.responseLimitBytes, peer: "clickhouse")
        let response: ClientResponse
        do throws(HTTPClientError) {
            response = try await http.send(request)
        } catch { throw ClickHouseError(error) }
        guard response.status == 200 else {
            let error = ClickHouseError(response)
            if error.code == .unknownSetting { known.withLock { $0 = nil } }
            throw error
        }
        return response
    }

    /// Those of the wanted settings that this server knows; asked once.
    func knownSettings() async throws(ClickHouseError) -> [(String, String)] {
        if let found = known.withLock({ $0 }) { return found }
        let names = Self.wantedSettings.keys.sorted()
        let rows = try await query(
            "SELECT name FROM system.settings WHERE name IN \(list: names)",
            inDatabase: false)
        var found: [(String, String)] = []
        for row in rows {
            let name: String = try row.get("name")
            if let value = Self.wantedSettings[name] { found.append((name, value)) }
        }
        known.withLock { [found] in $0 = found }
        return found
    }
}
