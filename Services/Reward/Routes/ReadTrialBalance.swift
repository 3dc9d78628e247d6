import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/ledger/trial-balance`: per asset, all debits and all credits.
struct ReadTrialBalance: Sendable {
    struct Line: Codable, Sendable {
        let asset: String
        let debits: String
        let credits: String
        let balanced: Bool
    }

    struct Answer: Encodable {
        let data: [Line]
    }

    let audit: LedgerAudit

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.ledger)
        let lines = try await audit.trialBalance(of: principal.clientID).map { balance in
            Line(
                asset: balance.asset.code, debits: String(balance.debits),
                credits: String(balance.credits), balanced: balance.isBalanced)
        }
        return .json(Answer(data: lines))
    }
}
