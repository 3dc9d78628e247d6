import Contracts

/// Where a campaign's links may lead.
struct Destinations: Sendable {
    /// The campaign's own.
    let standard: WebAddress
    private let allowedHosts: Set<String>

    /// Nil when the campaign leads nowhere: without a policy, or with an address that is none.
    init?(_ policy: ReferralPolicy?) {
        guard let policy, let text = policy.destinationURL, let standard = WebAddress(text),
            standard.isSecure || standard.isLoopback
        else { return nil }
        self.standard = standard
        allowedHosts = Set(policy.allowedHosts.map { $0.lowercased() })
    }

    /// The address that a visitor asks for, when the campaign allows it: another page of the
    /// campaign's own origin, or `https` on the usual port of a host that is named exactly.
    func chosen(_ text: String) -> WebAddress? {
        guard let address = WebAddress(text) else { return nil }
        if address.hasOrigin(of: standard) { return address }
        guard address.isSecure, address.port == nil,
            address.host == standard.host || allowedHosts.contains(address.host)
        else { return nil }
        return address
    }
}
