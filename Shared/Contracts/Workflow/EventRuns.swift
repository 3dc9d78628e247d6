package import HTTPKit
package import Kernel

/// What workflow-service answers to the other services.
package enum WorkflowContracts {
    /// The runs that an event started.
    package static let runsOfEvent = Endpoint<EventRunsRequest, EventRunsResponse>(
        path: "/internal/runs/of-event", safety: .read)
}

/// Names an event by its place in the log.
package struct EventRunsRequest: Sendable, Codable {
    package let clientID: ClientID
    package let position: LogPosition

    package init(clientID: ClientID, position: LogPosition) {
        self.clientID = clientID
        self.position = position
    }

    private enum CodingKeys: String, CodingKey {
        case position
        case clientID = "client_id"
    }
}

/// At most a hundred: one for each campaign and pulse that the event matched.
package struct EventRunsResponse: Sendable, Codable {
    package let runs: [EventRun]

    package init(runs: [EventRun]) {
        self.runs = runs
    }

    private enum CodingKeys: String, CodingKey { case runs }
}

/// A run as whoever looks at its event sees it.
package struct EventRun: Sendable, Codable {
    package let runID: RunID
    package let campaignID: CampaignID
    package let pulse: Pulse
    /// `running`, `completed`, `failed`, `attention` or `cancelled`.
    package let status: String
    /// How it ended: a slug, or the failure's code; nil until then.
    package let outcome: String?
    package let startedAt: Timestamp
    package let finishedAt: Timestamp?

    package init(
        runID: RunID, campaignID: CampaignID, pulse: Pulse, status: String, outcome: String?,
        startedAt: Timestamp, finishedAt: Timestamp?
    ) {
        self.runID = runID
        self.campaignID = campaignID
        self.pulse = pulse
        self.status = status
        self.outcome = outcome
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    private enum CodingKeys: String, CodingKey {
        case pulse, status, outcome
        case runID = "run_id"
        case campaignID = "campaign_id"
        case startedAt = "started_at"
        case finishedAt = "finished_at"
    }
}
