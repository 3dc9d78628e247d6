import Contracts
package import HTTPKit
import Kernel
import ServiceKit

extension CampaignService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        let read = ReadCampaigns(store: store)
        let change = ChangeCampaign(changes: changes, store: store, context: context)
        let snippet = ReadSnippet(store: store, publicURL: configuration.publicURL)
        router.group(context.audiences.portal) { group in
            group.get("/campaigns", handler: read.list)
            group.post("/campaigns", handler: change.create)
            group.get("/campaigns/{campaign_id}", handler: read.one)
            group.put("/campaigns/{campaign_id}", handler: change.revise)
            group.get("/campaigns/{campaign_id}/revisions", handler: read.revisions)
            group.get("/campaigns/{campaign_id}/snippet", handler: snippet.respond)
            for action in [CampaignAction.activate, .pause, .resume, .close] {
                group.post("/campaigns/{campaign_id}/\(action.rawValue)", limits: .noBody) {
                    try await change.move($0, $1, action)
                }
            }
        }
        let shown = ReadPublicCampaign(store: store, world: context.world)
        let pages = context.audiences.sdk(
            limits: AudienceLimits(
                perClient: RateLimitPolicy("campaign_reads", limit: 500, per: .seconds(1))),
            keys: ReadPublicCampaign.keys)
        router.group(pages) { group in
            group.get("/campaigns/{campaign_id}", handler: shown.respond)
        }
        router.group(context.audiences.internal) { group in
            group.on(CampaignContracts.getCampaign) { input, _, _ in try await read.get(input) }
        }
    }
}
