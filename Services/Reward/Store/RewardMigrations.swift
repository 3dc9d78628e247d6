import PostgresKit

/// The service's migrations, in order.
enum RewardMigrations {
    static let all = [
        Migration("reward", "V0001_campaigns", PackageResources.V0001_campaigns_sql),
        Migration("reward", "V0002_ledger", PackageResources.V0002_ledger_sql),
        Migration("reward", "V0003_rewards", PackageResources.V0003_rewards_sql),
        Migration("reward", "V0004_eligibility", PackageResources.V0004_eligibility_sql),
        Migration("reward", "V0005_plans", PackageResources.V0005_plans_sql),
        Migration("reward", "V0006_rejections", PackageResources.V0006_rejections_sql),
        Migration("reward", "V0007_ways", PackageResources.V0007_ways_sql),
    ]
}
