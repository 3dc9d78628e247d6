import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit

/// Gives rewards. Whether one may be given is decided by constraints and counted updates inside the
/// transaction, never by a read before it.
struct AllocationStore: Sendable {
    let postgres: PostgresClient
    let outbox: Outbox
    let messages: RewardMessages
    let world: World

    /// Gives all of these at once, or none: throws the `RefusalReason` that the first obstacle is.
    ///
    /// The grants are of one client, campaign and revision. Those that have a reward, a refusal or
    /// no fitting decision are left out; the result names the rewards that came to be.
    func give(_ grants: [Grant], limits: CampaignLimits) async throws -> Set<RewardID> {
        do {
            return try await postgres.withTransaction { transaction in
                let results = try await transaction.pipeline(statements(grants, limits: limits))
                let given = try Given(results)
                guard !given.rewards.isEmpty else { return [] }
                guard given.isCounted else { throw RefusalReason.limitReached }
                let all = grants.filter { given.rewards[$0.rewardID] != nil }
                guard given.postings == all.reduce(0, { $0 + $1.legs.count }) else {
                    throw RewardFailure.incompletePosting
                }
                try await outbox.append(announcements(all, given), in: transaction)
                world.faults.reach(RewardCrashPoint.allocateBeforeCommit)
                return Set(given.rewards.keys)
            }
        } catch let error as PostgresError where error.isOverdraft {
            throw RefusalReason.budgetExceeded
        }
    }

    private func announcements(_ grants: [Grant], _ given: Given) -> [LogMessage] {
        grants.flatMap { grant in
            grant.path.compactMap { status in
                given.rewards[grant.rewardID].flatMap {
                    messages.message(grant.summary(status), of: grant.clientID, at: $0)
                }
            }
        }
    }

    /// One round trip. What follows the first insert works on the rewards that it made.
    private func statements(_ grants: [Grant], limits: CampaignLimits) -> [SQL] {
        let (client, campaign) = (grants[0].clientID, grants[0].campaignID)
        let time = BusinessTime.of(client, at: world.clock.now())
        let ids = grants.map(\.rewardID)
        let postings = grants.flatMap(postings)
        let accounts = LedgerWriting.accountsToOpen(postings.map(\.leg))
        var statements = [
            LedgerWriting.byKey, GrantSQL.lock(grants.map(\.key)),
            GrantSQL.insert(grants, at: time),
            Self.countCampaign(ids, client, campaign),
            Self.countParticipants(
                ids, client, campaign, limit: limits.maximumRewardsPerParticipant),
        ]
        let transfers = LedgerWriting.post(postings, of: client, at: time)
        statements.append(transfers)
        if !accounts.isEmpty {
            statements.insert(
                LedgerWriting.open(accounts, of: client, at: time, ids: world.ids), at: 2)
        }
        let approved = grants.filter { $0.path.contains(.approved) }.map(\.rewardID)
        statements.append(Self.move(ids, to: .pending, reason: "reserved"))
        statements.append(Self.move(ids, to: .eligible, reason: "eligible"))
        if !approved.isEmpty {
            statements.append(Self.move(approved, to: .approved, reason: "automatic"))
        }
        return statements
    }

    private func postings(_ grant: Grant) -> [LedgerPosting] {
        let chain = world.ids.next()
        return grant.legs.map { leg in
            LedgerPosting(
                transferID: leg.kind == .pending ? grant.reserveTransferID : world.ids.next(),
                chainID: chain, leg: leg, rewardID: grant.rewardID,
                resolves: leg.kind.resolvesReservation ? grant.reserveTransferID : nil)
        }
    }

    /// Answers no row when there is nothing to count or the cap is in the way.
    private static func countCampaign(
        _ ids: [RewardID], _ client: ClientID, _ campaign: CampaignID
    ) -> SQL {
        """
        update campaign set rewards_given = rewards_given + given.number
        from (select count(*)::integer as number from reward where reward_id = any(\(ids))) given
        where client_id = \(client) and campaign_id = \(campaign) and given.number > 0
            and (maximum_rewards is null or rewards_given + given.number <= maximum_rewards)
        returning 'campaign' as counted, given.number
        """
    }

    /// Answers a row for each participant who is counted; one whose cap is in the way has none.
    private static func countParticipants(
        _ ids: [RewardID], _ client: ClientID, _ campaign: CampaignID, limit: Int?
    ) -> SQL {
        let limit = limit.map { Int32(clamping: $0) } ?? Int32.max
        return """
            with given as (
                select participant_id, count(*)::integer as number from reward
                where reward_id = any(\(ids)) group by participant_id
            ), counted as (
                insert into campaign_participant (
                    client_id, campaign_id, participant_id, rewards_given)
                select \(client), \(campaign), participant_id, number from given
                where number <= \(limit) order by participant_id
                on conflict (client_id, campaign_id, participant_id) do update
                set rewards_given = campaign_participant.rewards_given + excluded.rewards_given
                where campaign_participant.rewards_given::bigint + excluded.rewards_given
                    <= \(limit)
                returning 1
            )
            select 'participants' as counted,
                ((select count(*) from given) - (select count(*) from counted))::integer as number
            """
    }

    private static func move(_ ids: [RewardID], to status: RewardStatus, reason: String) -> SQL {
        """
        update reward set status = \(status), status_reason = \(reason),
            reserve_transfer_id = case when \(status == .approved) then null
                else reserve_transfer_id end
        where reward_id = any(\(ids))
        """
    }
}

/// What the statements of an allocation answered.
private struct Given {
    /// The rewards that came to be, and when by the client's clock.
    var rewards: [RewardID: Timestamp] = [:]
    /// Whether every cap had room.
    var isCounted = false
    var postings = 0

    init(_ results: [[Row]]) throws(PostgresError) {
        var campaignHasRoom = false
        var refusedParticipants = 0
        for row in results.joined() {
            switch try row.get("counted", as: String.self) {
            case "reward": rewards[try row.get("reward_id")] = try row.get("status_at")
            case "campaign": campaignHasRoom = true
            case "participants": refusedParticipants = try row.get("number")
            case "posting": postings += 1
            default: break
            }
        }
        isCounted = campaignHasRoom && refusedParticipants == 0
    }
}

extension PostgresError {
    /// Whether an account would have gone below its limit.
    var isOverdraft: Bool {
        code == .checkViolation && constraint == "ledger_account_not_overdrawn"
    }
}
