import ClickHouseKit
import FoundationEssentials
import Kernel

/// Numbers from the views. Every statement names the client and is bounded in time.
struct DashboardStore: Sendable {
    /// A portal reader waits no longer than this.
    private static let deadline = Duration.seconds(5)

    let client: ClickHouseClient

    func funnel(_ scope: DashboardScope) async throws(ClickHouseError) -> FunnelFigures {
        let rows = try await client.query(
            """
            SELECT uniqExactMerge(shared) AS shared_count, uniqExactMerge(clicked) AS clicked_count,
                uniqExactMerge(signed_up) AS signed_up_count,
                uniqExactMerge(converted) AS converted_count
            FROM referral_funnel WHERE \(Self.hours(scope))
            """, within: Self.deadline)
        guard let row = rows.first else { return FunnelFigures() }
        return FunnelFigures(
            shared: try row.get("shared_count"), clicked: try row.get("clicked_count"),
            signedUp: try row.get("signed_up_count"), converted: try row.get("converted_count"))
    }

    func hourly(_ scope: DashboardScope) async throws(ClickHouseError) -> [HourFigures] {
        let rows = try await client.query(
            """
            SELECT toUInt32(hour) AS second, uniqExactMerge(clicked) AS clicked_count,
                uniqExactMerge(signed_up) AS signed_up_count,
                uniqExactMerge(converted) AS converted_count
            FROM referral_funnel WHERE \(Self.hours(scope))
            GROUP BY hour ORDER BY hour
            """, within: Self.deadline)
        var figures: [HourFigures] = []
        for row in rows {
            figures.append(
                HourFigures(
                    hour: Timestamp(seconds: try row.get("second")),
                    clicked: try row.get("clicked_count"),
                    signedUp: try row.get("signed_up_count"),
                    converted: try row.get("converted_count")))
        }
        return figures.filter { $0.clicked + $0.signedUp + $0.converted > 0 }
    }

    /// Who brought most, at most `limit`. Ties: the earlier last conversion, then more sign-ups,
    /// more clicks, and at last the id.
    func leaderboard(
        _ scope: DashboardScope, limit: Int
    ) async throws(ClickHouseError) -> [LeaderboardRow] {
        let rows = try await client.query(
            """
            SELECT referrer_id, uniqExactMerge(clicks) AS click_count,
                uniqExactMerge(signups) AS signup_count,
                uniqExactMerge(conversions) AS conversion_count,
                maxMerge(last_conversion) AS last_time
            FROM referrer_leaderboard
            WHERE \(Self.hours(scope)) AND referrer_id != \(EventFacts.noID)
            GROUP BY referrer_id
            ORDER BY conversion_count DESC, last_time, signup_count DESC, click_count DESC,
                toString(referrer_id)
            LIMIT \(limit)
            """, within: Self.deadline)
        var ids: [ParticipantID] = []
        for row in rows { ids.append(try row.get("referrer_id")) }
        let names = try await names(of: ids, scope.clientID)
        var board: [LeaderboardRow] = []
        for (index, row) in rows.enumerated() {
            board.append(
                LeaderboardRow(
                    rank: index + 1, participantID: ids[index], externalID: names[ids[index]],
                    clicks: try row.get("click_count"), signups: try row.get("signup_count"),
                    conversions: try row.get("conversion_count")))
        }
        return board
    }

    /// Fulfilled rewards, from the events themselves: money is counted once per event even while
    /// one is there twice.
    func rewards(_ scope: DashboardScope) async throws(ClickHouseError) -> RewardFigures {
        let rows = try await client.query(
            """
            SELECT asset, count() AS given, sum(amount_units) AS units
            FROM (
                SELECT asset, amount_units FROM events
                WHERE \(Self.times(scope)) AND event = 'reward.fulfilled' AND from_service = 1
                    AND has_amount = 1
                LIMIT 1 BY position
            ) AS fulfilled
            GROUP BY asset ORDER BY asset
            """, within: Self.deadline)
        var figures = RewardFigures()
        for row in rows {
            figures.count += try row.get("given", as: Int.self)
            guard let asset = Asset(try row.get("asset")),
                let amount = try? Amount(units: try row.get("units"), asset: asset)
            else { throw .unreadable("an amount") }
            figures.amounts.append(amount)
        }
        return figures
    }

    /// How often each type of event happened, hour by hour, oldest first; at most `limit` rows.
    func activity(
        _ scope: DashboardScope, event: String?, limit: Int
    ) async throws(ClickHouseError) -> [ActivityRow] {
        var condition = Self.hours(scope)
        if let event { condition += " AND event = \(event)" }
        let rows = try await client.query(
            """
            SELECT toUInt32(hour) AS second, event, uniqExactMerge(events) AS event_count,
                uniqMerge(participants) AS participant_count
            FROM campaign_hourly_stats WHERE \(condition)
            GROUP BY hour, event ORDER BY hour DESC, event LIMIT \(limit)
            """, within: Self.deadline)
        var activity: [ActivityRow] = []
        for row in rows.reversed() {
            activity.append(
                ActivityRow(
                    hour: Timestamp(seconds: try row.get("second")), event: try row.get("event"),
                    count: try row.get("event_count"),
                    participants: try row.get("participant_count")))
        }
        return activity
    }

    private func names(
        of participants: [ParticipantID], _ clientID: ClientID
    ) async throws(ClickHouseError) -> [ParticipantID: String] {
        guard !participants.isEmpty else { return [:] }
        let rows = try await client.query(
            """
            SELECT participant_id, any(external_id) AS name FROM participant_names
            WHERE client_id = \(clientID) AND participant_id IN \(list: participants)
            GROUP BY participant_id
            """, within: Self.deadline)
        var names: [ParticipantID: String] = [:]
        for row in rows { names[try row.get("participant_id")] = try row.get("name") }
        return names
    }

    /// The scope as a condition on a view's hours.
    private static func hours(_ scope: DashboardScope) -> ClickHouseSQL {
        tenant(scope) + " AND hour >= \(scope.from) AND hour < \(scope.to)"
    }

    /// The scope as a condition on the events' times.
    private static func times(_ scope: DashboardScope) -> ClickHouseSQL {
        tenant(scope) + " AND occurred_at >= \(scope.from) AND occurred_at < \(scope.to)"
    }

    private static func tenant(_ scope: DashboardScope) -> ClickHouseSQL {
        let client: ClickHouseSQL = "client_id = \(scope.clientID)"
        guard let campaign = scope.campaignID else { return client }
        return client + " AND campaign_id = \(campaign)"
    }
}

extension Timestamp {
    fileprivate init(seconds: Int) {
        self.init(microseconds: Int64(seconds) * 1_000_000)
    }
}
