import PostgresKit

/// The service's migrations, in order.
enum CampaignMigrations {
    static let all = [
        Migration("campaign", "V0001_campaigns", PackageResources.V0001_campaigns_sql),
        Migration("campaign", "V0002_client_clocks", PackageResources.V0002_client_clocks_sql),
    ]
}
