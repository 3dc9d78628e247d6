/// What a portal credential that has scopes at all must have here.
enum Scope {
    /// Links, referrals, conversions and the decisions about them.
    static let referrals = "referrals"
}
