import ClickHouseKit
import FoundationEssentials
import Kernel

/// What is counted of the events as they come in, and can be counted again from them.
///
/// A view is fed after the table, block by block, so an insert that breaks off may leave it without
/// rows that the table has, never with more. Its states do not grow by what they have seen before:
/// the states of an hour's events, put in once more, make it whole.
struct Rollup: Sendable {
    let table: String
    private let columns: [String]
    private let values: ClickHouseSQL
    private let condition: ClickHouseSQL?
    private let group: ClickHouseSQL

    static let all = [campaignHourlyStats, referralFunnel, referrerLeaderboard, participantNames]

    /// Feeds the table from every insert into `events`.
    var view: ClickHouseSQL {
        """
        CREATE MATERIALIZED VIEW IF NOT EXISTS \(identifier: table + "_view")
        TO \(identifier: table) AS \(select(condition))
        """
    }

    /// Counts some hours of a client again.
    func rebuild(_ hours: [Timestamp], of clientID: ClientID) -> ClickHouseSQL {
        var rows: ClickHouseSQL = "client_id = \(clientID)"
        if let first = hours.min(), let last = hours.max() {
            rows += " AND occurred_at >= \(first) AND occurred_at < \(last + .seconds(3600))"
        }
        let seconds = hours.map { Int($0.unixSeconds) }
        rows += " AND toUInt32(toStartOfHour(occurred_at, 'UTC')) IN \(list: seconds)"
        if let condition { rows += " AND \(condition)" }
        var names: ClickHouseSQL = ""
        for (index, column) in columns.enumerated() {
            names += index == 0 ? "\(identifier: column)" : ", \(identifier: column)"
        }
        return "INSERT INTO \(identifier: table) (\(names)) \(select(rows))"
    }

    private func select(_ condition: ClickHouseSQL?) -> ClickHouseSQL {
        var sql = "SELECT \(values) FROM events" as ClickHouseSQL
        if let condition { sql += " WHERE \(condition)" }
        return sql + " GROUP BY \(group)"
    }
}

extension Rollup {
    /// How often each event happened and to how many people.
    static let campaignHourlyStats = Rollup(
        table: "campaign_hourly_stats",
        columns: ["client_id", "campaign_id", "event", "hour", "events", "participants"],
        values: """
            client_id, campaign_id, event, toStartOfHour(occurred_at, 'UTC') AS hour,
            uniqExactState(position) AS events,
            uniqStateIf(participant_id, participant_id
                != toUUID('00000000-0000-0000-0000-000000000000')) AS participants
            """,
        condition: nil, group: "client_id, campaign_id, event, hour")

    /// Shared, clicked, signed up, converted; only what referral-service said counts.
    static let referralFunnel = Rollup(
        table: "referral_funnel",
        columns: [
            "client_id", "campaign_id", "hour", "shared", "clicked", "signed_up", "converted",
        ],
        values: """
            client_id, campaign_id, toStartOfHour(occurred_at, 'UTC') AS hour,
            uniqExactStateIf(position, event = 'referral.shared') AS shared,
            uniqExactStateIf(position, event = 'referral.clicked') AS clicked,
            uniqExactStateIf(participant_id, event = 'referral.attributed'
                OR (event = 'referral.converted' AND kind = 'signup')) AS signed_up,
            uniqExactStateIf(position, event = 'referral.converted' AND kind = 'purchase')
                AS converted
            """,
        condition: """
            from_service = 1 AND event IN ('referral.shared', 'referral.clicked',
            'referral.attributed', 'referral.converted')
            """,
        group: "client_id, campaign_id, hour")

    /// What each referrer brought.
    static let referrerLeaderboard = Rollup(
        table: "referrer_leaderboard",
        columns: [
            "client_id", "campaign_id", "referrer_id", "hour", "clicks", "signups", "conversions",
            "last_conversion",
        ],
        values: """
            client_id, campaign_id, referrer_id, toStartOfHour(occurred_at, 'UTC') AS hour,
            uniqExactStateIf(position, event = 'referral.clicked') AS clicks,
            uniqExactStateIf(participant_id, event = 'referral.attributed'
                OR (event = 'referral.converted' AND kind = 'signup')) AS signups,
            uniqExactStateIf(position, event = 'referral.converted' AND kind = 'purchase')
                AS conversions,
            maxState(if(event = 'referral.converted' AND kind = 'purchase',
                occurred_at_milliseconds, toUInt64(0))) AS last_conversion
            """,
        condition: """
            from_service = 1 AND event IN ('referral.clicked', 'referral.attributed',
            'referral.converted')
            """,
        group: "client_id, campaign_id, referrer_id, hour")

    /// The clients' own ids of their people, to show beside ours.
    static let participantNames = Rollup(
        table: "participant_names", columns: ["client_id", "participant_id", "external_id"],
        values: "client_id, participant_id, external_id", condition: "external_id != ''",
        group: "client_id, participant_id, external_id")
}
