import FoundationEssentials
import Kernel

/// Names an account before it has an id: one of a kind, an owner and an asset within a client.
struct LedgerAccountKey: Sendable, Hashable {
    let kind: AccountKind
    /// The client, campaign or participant that owns it.
    let owner: UUID
    let asset: Asset

    static func treasury(_ client: ClientID, _ asset: Asset) -> Self {
        Self(kind: .clientTreasury, owner: client.uuid, asset: asset)
    }

    static func budget(_ campaign: CampaignID, _ asset: Asset) -> Self {
        Self(kind: .campaignBudget, owner: campaign.uuid, asset: asset)
    }

    static func reserve(_ campaign: CampaignID, _ asset: Asset) -> Self {
        Self(kind: .campaignReserve, owner: campaign.uuid, asset: asset)
    }

    static func pending(_ participant: ParticipantID, _ asset: Asset) -> Self {
        Self(kind: .participantPending, owner: participant.uuid, asset: asset)
    }

    static func available(_ participant: ParticipantID, _ asset: Asset) -> Self {
        Self(kind: .participantAvailable, owner: participant.uuid, asset: asset)
    }

    static func breakage(_ client: ClientID, _ asset: Asset) -> Self {
        Self(kind: .breakage, owner: client.uuid, asset: asset)
    }

    static func clawback(_ participant: ParticipantID, _ asset: Asset) -> Self {
        Self(kind: .clawbackReceivable, owner: participant.uuid, asset: asset)
    }
}
