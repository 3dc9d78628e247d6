import FoundationEssentials
import HTTPKit
import Kernel
import TestKit

/// One campaign of one client and the people who sign up to it.
struct Journey: Sendable {
    let tenant: Tenant
    let campaignID: CampaignID
    let acknowledged: Acknowledged

    /// A campaign that pays 5.00 USD for each sign-up, active.
    static func begin(
        _ name: String, _ tenant: Tenant, _ acknowledged: Acknowledged, budget: Int = 10_000_000
    ) async throws -> Journey {
        let campaignID = try await tenant.activate(
            CampaignBody.signUp(name, budget: budget), key: name)
        return Journey(tenant: tenant, campaignID: campaignID, acknowledged: acknowledged)
    }

    /// Somebody signs up; the client's server tells, again and again until it is acknowledged.
    ///
    /// Returns the answer to the event: `accepted`, or `duplicate` when an earlier answer was lost.
    @discardableResult
    func signUp(_ participant: String, broughtBy touch: JSONValue? = nil) async throws -> String {
        let eventID = "signed-up-\(participant)"
        let status = try await tenant.tell(
            .signUp(participant, eventID: eventID, broughtBy: touch), eventID: eventID,
            acknowledged)
        acknowledged.add(
            Acknowledged.Reward(
                clientID: tenant.clientID, campaignID: campaignID, participant: participant))
        return status
    }

    /// So many people sign up, several at a time.
    func signUps(_ count: Int, named prefix: String, atATime width: Int = 8) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= width { try await group.next() }
                group.addTask { _ = try await signUp("\(prefix)-\(number)") }
            }
            try await group.waitForAll()
        }
    }

    /// People sign up without a pause until the task is cancelled.
    func signUpsUntilCancelled(named prefix: String) async throws {
        var number = 0
        while !Task.isCancelled {
            let participant = "\(prefix)-\(number)"
            // A task of its own: what was begun is brought to its end.
            _ = try await Task { try await signUp(participant) }.value
            number += 1
        }
    }

    /// Waits until so many rewards of the campaign are fulfilled, as the client sees it.
    func waitForFulfilled(_ count: Int, within limit: Duration = .seconds(90)) async throws {
        let path = "/v1/portal/rewards?campaign_id=\(campaignID)&limit=100"
        _ = try await tenant.server.wait(
            for: "\(count) fulfilled rewards", at: path, within: limit
        ) { answer in
            let rewards = answer["data"]?.array ?? []
            return rewards.count { $0["status"]?.string == "fulfilled" } >= count
        }
    }
}

extension Tenant {
    /// A new campaign, active.
    func activate(_ body: JSONValue, key: String) async throws -> CampaignID {
        let campaign = try await server.persist(
            .post, "/v1/portal/campaigns", body, key: "campaign-\(key)"
        ).expecting(201)
        let text = try campaign.string("campaign_id")
        guard let campaignID = CampaignID(text) else {
            throw UnexpectedAnswer(answer: campaign, wanted: "a campaign's id")
        }
        try await server.persist(
            .post, "/v1/portal/campaigns/\(text)/activate", key: "activate-\(key)"
        ).expecting(200)
        return campaignID
    }

    /// The client's server tells of one event, again and again until it is acknowledged.
    ///
    /// Returns the answer to the event: `accepted`, or `duplicate` when an earlier answer was lost.
    @discardableResult
    func tell(
        _ event: JSONValue, eventID: String, _ acknowledged: Acknowledged
    ) async throws -> String {
        let answer = try await server.persist(.post, "/v1/sdk/events", ["events": [event]])
            .expecting(202)
        let status = answer["results"]?.array?.first?["status"]?.string ?? ""
        guard status == "accepted" || status == "duplicate" else {
            throw UnexpectedAnswer(answer: answer, wanted: "an accepted event")
        }
        acknowledged.add(Acknowledged.Event(clientID: clientID, eventID: eventID))
        return status
    }
}

extension JSONValue {
    /// The moment, as the wire has it.
    static var now: JSONValue { .string("\(SystemClock().now())") }

    /// The event of a sign-up as a client's server sends it. A repeat is the same to the letter.
    static func signUp(
        _ participant: String, eventID: String, at moment: JSONValue = .now,
        plan: String = "pro", broughtBy touch: JSONValue? = nil
    ) -> JSONValue {
        .event(
            "user_signed_up", of: participant, eventID: eventID, at: moment,
            with: [
                "traits": ["email": .string("\(participant)@people.example")],
                "properties": ["plan": .string(plan)], "referral": touch,
            ])
    }

    /// An event; what is nil is left out.
    static func event(
        _ type: String, of participant: String, eventID: String, at moment: JSONValue = .now,
        with more: [String: JSONValue?] = [:]
    ) -> JSONValue {
        let whole: [String: JSONValue] = [
            "event": .string(type), "event_id": .string(eventID), "occurred_at": moment,
            "participant_id": .string(participant),
        ]
        return .object(whole.merging(more.compactMapValues { $0 }) { $1 })
    }
}
