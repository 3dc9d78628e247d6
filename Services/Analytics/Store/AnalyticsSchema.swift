import ClickHouseKit

/// The tables and views in ClickHouse: SQL that 18.16 and today's releases understand alike.
///
/// A view sees every inserted block, also one that is sent a second time, so its states are of a
/// kind that does not grow by that: distinct positions, distinct participants, latest times. A
/// client lives in one shard of the log, so within a client a position is one event.
enum AnalyticsSchema {
    static let migrations = [
        ClickHouseMigration(1, "events", [events]),
        ClickHouseMigration(
            2, "campaign hourly stats", [campaignHourlyStats, Rollup.campaignHourlyStats.view]),
        ClickHouseMigration(3, "referral funnel", [referralFunnel, Rollup.referralFunnel.view]),
        ClickHouseMigration(
            4, "referrer leaderboard", [referrerLeaderboard, Rollup.referrerLeaderboard.view]),
        ClickHouseMigration(
            5, "names of participants", [participantNames, Rollup.participantNames.view]),
    ]

    /// The archive: clients' events and services' messages. What is sent twice has the same key
    /// and is merged into one; `FINAL` or `LIMIT 1 BY position` sees it once before that.
    private static let events: ClickHouseSQL = """
        CREATE TABLE IF NOT EXISTS events (
            client_id UUID,
            campaign_id UUID,
            event String,
            occurred_at DateTime('UTC'),
            occurred_at_milliseconds UInt64,
            received_at_milliseconds UInt64,
            event_id String,
            from_service UInt8,
            trust String,
            participant_id UUID,
            external_id String,
            anonymous_id String,
            referrer_id UUID,
            code String,
            click_id String,
            kind String,
            channel String,
            subject String,
            has_amount UInt8,
            amount_units Decimal(38, 0),
            asset String,
            properties String,
            context String,
            traits String,
            traceparent String,
            shard UInt16,
            position UInt64,
            batch_id UUID,
            body_hash UUID
        ) ENGINE = ReplacingMergeTree(position)
        PARTITION BY toYYYYMM(occurred_at)
        ORDER BY (client_id, campaign_id, event, occurred_at, event_id, from_service)
        """

    /// How often each event happened and to how many people.
    private static let campaignHourlyStats: ClickHouseSQL = """
        CREATE TABLE IF NOT EXISTS campaign_hourly_stats (
            client_id UUID,
            campaign_id UUID,
            event String,
            hour DateTime('UTC'),
            events AggregateFunction(uniqExact, UInt64),
            participants AggregateFunction(uniq, UUID)
        ) ENGINE = AggregatingMergeTree
        PARTITION BY toYYYYMM(hour)
        ORDER BY (client_id, campaign_id, event, hour)
        """

    /// Shared, clicked, signed up, converted; only what referral-service said counts.
    private static let referralFunnel: ClickHouseSQL = """
        CREATE TABLE IF NOT EXISTS referral_funnel (
            client_id UUID,
            campaign_id UUID,
            hour DateTime('UTC'),
            shared AggregateFunction(uniqExact, UInt64),
            clicked AggregateFunction(uniqExact, UInt64),
            signed_up AggregateFunction(uniqExact, UUID),
            converted AggregateFunction(uniqExact, UInt64)
        ) ENGINE = AggregatingMergeTree
        PARTITION BY toYYYYMM(hour)
        ORDER BY (client_id, campaign_id, hour)
        """

    /// What each referrer brought.
    private static let referrerLeaderboard: ClickHouseSQL = """
        CREATE TABLE IF NOT EXISTS referrer_leaderboard (
            client_id UUID,
            campaign_id UUID,
            referrer_id UUID,
            hour DateTime('UTC'),
            clicks AggregateFunction(uniqExact, UInt64),
            signups AggregateFunction(uniqExact, UUID),
            conversions AggregateFunction(uniqExact, UInt64),
            last_conversion AggregateFunction(max, UInt64)
        ) ENGINE = AggregatingMergeTree
        PARTITION BY toYYYYMM(hour)
        ORDER BY (client_id, campaign_id, referrer_id, hour)
        """

    /// The clients' own ids of their people, to show beside ours.
    private static let participantNames: ClickHouseSQL = """
        CREATE TABLE IF NOT EXISTS participant_names (
            client_id UUID,
            participant_id UUID,
            external_id String
        ) ENGINE = ReplacingMergeTree
        ORDER BY (client_id, participant_id)
        """
}
