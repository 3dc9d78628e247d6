import PostgresKit

/// The service's migrations, in order.
enum WorkflowMigrations {
    static let all = [
        Migration("workflow", "V0001_campaigns", PackageResources.V0001_campaigns_sql),
        Migration("workflow", "V0002_campaign_runs", PackageResources.V0002_campaign_runs_sql),
        Migration("workflow", "V0003_referrals", PackageResources.V0003_referrals_sql),
        Migration("workflow", "V0004_event_runs", PackageResources.V0004_event_runs_sql),
        Migration("workflow", "V0005_triggers", PackageResources.V0005_triggers_sql),
    ]
}
