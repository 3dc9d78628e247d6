/// What a portal credential that has scopes at all must have here.
enum Scope {
    /// Decisions and rewards.
    static let rewards = "rewards"
    /// Budgets, accounts and transfers.
    static let ledger = "ledger"
}
