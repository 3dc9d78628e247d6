import Kernel
package import ServiceKit

/// Settings of referral-service beside the common ones.
package struct ReferralConfiguration: ServiceConfiguration {
    /// The gateway as people reach it; links are this with `/r/<code>` after it.
    let publicURL: String
    /// Keys the hashes of addresses and e-mails; nil derives one from the service's own key.
    let hashSecret: String?
    /// Most clicks from one address.
    let clicksPerMinute: Int
    /// Most codes that nobody has, from one address: guessing is slow.
    let unknownCodesPerMinute: Int
    /// How long clicks are kept.
    let clickRetention: Duration

    package init(_ environment: inout EnvironmentReader) {
        publicURL = environment.httpURL(
            "GRAPEVINE_REFERRAL_PUBLIC_URL", default: "http://127.0.0.1:8080",
            "the gateway as people reach it; links are this and /r/<code>")
        hashSecret = environment.optionalSecret(
            "GRAPEVINE_REFERRAL_HASH_SECRET", example: "<32 random bytes or more>",
            minimumBytes: 32,
            "keys the hashes of addresses and e-mails; without it the service's own key does")
        clicksPerMinute = environment.integer(
            "GRAPEVINE_REFERRAL_CLICKS_PER_MINUTE", default: 600, in: 1...1_000_000,
            "most visits of links from one address in a minute")
        unknownCodesPerMinute = environment.integer(
            "GRAPEVINE_REFERRAL_UNKNOWN_CODES_PER_MINUTE", default: 30, in: 1...1_000_000,
            "most visits of codes that nobody has from one address in a minute")
        clickRetention = environment.duration(
            "GRAPEVINE_REFERRAL_CLICK_RETENTION", default: .seconds(400 * 86_400),
            in: .seconds(86_400)...(.seconds(3650 * 86_400)),
            "how long clicks are kept; attributions keep what they need of them")
    }
}
