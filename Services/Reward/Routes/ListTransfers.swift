import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/ledger/transfers?account_id=`: an account's transfers, newest first.
struct ListTransfers: Sendable {
    struct Transfer: Encodable, Sendable {
        let transferID: TransferID
        /// Transfers of one chain were written together.
        let chainID: String
        let debitAccountID: AccountID
        let creditAccountID: AccountID
        let amount: Amount
        let kind: String
        let pendingTransferID: TransferID?
        let reason: String
        let rewardID: RewardID?
        let createdAt: Timestamp

        private enum CodingKeys: String, CodingKey {
            case amount, kind, reason
            case transferID = "transfer_id"
            case chainID = "chain_id"
            case debitAccountID = "debit_account_id"
            case creditAccountID = "credit_account_id"
            case pendingTransferID = "pending_transfer_id"
            case rewardID = "reward_id"
            case createdAt = "created_at"
        }
    }

    let ledger: LedgerStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.ledger)
        let page = try request.query.page()
        guard let account: AccountID = try request.query.id("account_id") else {
            throw Problem.invalid([
                .init(
                    pointer: "?account_id", code: "required",
                    detail: "Say which account's transfers you want.")
            ])
        }
        let rows = try await ledger.transfers(
            of: account, after: try request.query.cursor(), limit: page.limit + 1,
            client: principal.clientID)
        guard let rows else { throw RewardFailure.accountUnknown }
        return .json(
            Page(rows: rows, limit: page.limit) { $0.transferID.description }.map(Self.render))
    }

    private static func render(_ transfer: LedgerTransfer) -> Transfer {
        Transfer(
            transferID: transfer.transferID, chainID: TransferID(transfer.chainID).description,
            debitAccountID: transfer.debitAccountID, creditAccountID: transfer.creditAccountID,
            amount: transfer.amount, kind: transfer.kind,
            pendingTransferID: transfer.pendingTransferID, reason: transfer.reason,
            rewardID: transfer.rewardID, createdAt: transfer.createdAt)
    }
}
