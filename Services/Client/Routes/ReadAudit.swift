import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/admin/audit?client_id=`: who did what, newest first.
struct ReadAudit: Sendable {
    let store: AuditStore

    func respond(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        let page = try request.query.page()
        let client = try request.query["client_id"].map { text throws(Problem) in
            guard let id = ClientID(text) else {
                throw .badRequest(
                    "invalid_client_id", "Use an id that begins with 'cli_'.",
                    pointer: "?client_id")
            }
            return id
        }
        let before = try page.cursor.map { text throws(Problem) in
            guard let sequence = Int(text), sequence > 0 else { throw .invalidCursor }
            return sequence
        }
        let rows = try await store.list(of: client, before: before, limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { String($0.sequence) })
    }
}
