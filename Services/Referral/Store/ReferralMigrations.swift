import PostgresKit

/// The service's migrations, in order.
enum ReferralMigrations {
    static let all = [
        Migration("referral", "V0001_campaigns", PackageResources.V0001_campaigns_sql),
        Migration("referral", "V0002_links", PackageResources.V0002_links_sql),
        Migration("referral", "V0003_attribution", PackageResources.V0003_attribution_sql),
        Migration("referral", "V0004_conversions", PackageResources.V0004_conversions_sql),
        Migration("referral", "V0005_keys", PackageResources.V0005_keys_sql),
    ]
}
