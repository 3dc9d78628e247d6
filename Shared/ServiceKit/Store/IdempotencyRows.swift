import HTTPKit
import Kernel
import PostgresKit

/// A request that took effect, and what it was answered.
struct AnsweredRequest: Sendable {
    let fingerprint: [UInt8]
    let response: StoredResponse
}

/// The table `idempotency_key`.
enum IdempotencyRows {
    /// Tries the lock of a key and looks for its answer, in one round trip.
    ///
    /// Each statement sees what committed before it began, so the second one sees the row of
    /// whoever held the lock before.
    static func lock(
        _ request: IdempotencyRequest, number: Int64, in transaction: Transaction
    ) async throws(PostgresError) -> (isLocked: Bool, answered: AnsweredRequest?) {
        let results = try await transaction.pipeline([
            "select pg_try_advisory_xact_lock(\(number)) as is_ours",
            """
            select fingerprint, status, headers, body from idempotency_key
            where client_id = \(request.clientID) and route = \(request.route)
                and key = \(request.key)
            """,
        ])
        if let row = results[1].first { return (true, try answered(row)) }
        guard let row = results[0].first else { return (false, nil) }
        return (try row.get("is_ours"), nil)
    }

    static func insert(
        _ answered: AnsweredRequest, of request: IdempotencyRequest, at now: Timestamp,
        in transaction: Transaction
    ) async throws(PostgresError) {
        let response = answered.response
        let headers = response.headers.flatMap { [$0.name, $0.value] }
        _ = try await transaction.execute(
            """
            insert into idempotency_key
                (client_id, route, key, fingerprint, status, headers, body, created_at)
            values (\(request.clientID), \(request.route), \(request.key), \(request.fingerprint),
                \(Int16(clamping: response.status)), \(headers), \(response.body), \(now))
            """)
    }

    /// Returns how many rows went.
    static func delete(
        before limit: Timestamp, atMost batch: Int, in postgres: PostgresClient
    ) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from idempotency_key where ctid = any(array(
                select ctid from idempotency_key where created_at < \(limit) limit \(batch)))
            """)
    }

    private static func answered(_ row: Row) throws(PostgresError) -> AnsweredRequest {
        let flat: [String] = try row.get("headers")
        let headers = stride(from: 0, to: flat.count - 1, by: 2).map {
            HTTPHeaders.Field(name: flat[$0], value: flat[$0 + 1])
        }
        let status: Int16 = try row.get("status")
        return AnsweredRequest(
            fingerprint: try row.get("fingerprint"),
            response: StoredResponse(
                status: Int(status), headers: headers, body: try row.get("body")))
    }
}
