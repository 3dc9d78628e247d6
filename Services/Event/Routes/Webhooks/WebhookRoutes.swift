import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

extension EventService {
    /// Where webhooks come in, and how a client manages that.
    func webhookRoutes(_ router: inout Router) {
        let sealing = SealingKey(
            master: configuration.key, use: "grapevine event webhook source secret")
        let receive = ReceiveWebhook(
            store: webhookSources, sealing: sealing, intake: intake,
            webhooksPerSecond: configuration.webhooksPerSecond, context: context)
        router.group(context.audiences.public) { group in
            group.post("/v1/hooks/{source_id}", limits: ReceiveWebhook.limits) { request, _ in
                try await receive.respond(request)
            }
        }
        let manage = ManageWebhookSources(
            store: webhookSources, sealing: sealing, publicURL: configuration.publicURL,
            context: context)
        let dryRun = DryRunWebhook(store: webhookSources, world: context.world)
        router.group(context.audiences.portal) { group in
            let one = "/webhook-sources/{source_id}"
            group.get("/webhook-sources", handler: manage.list)
            group.post("/webhook-sources", handler: manage.create)
            group.get(one, handler: manage.one)
            group.patch(one, handler: manage.update)
            group.delete(one, handler: manage.delete)
            group.get("\(one)/notes", handler: manage.notes)
            group.post("\(one)/rotate-secret", handler: manage.rotate)
            group.post("\(one)/dry-run", handler: dryRun.respond)
            for (action, status) in [
                ("enable", WebhookSourceStatus.enabled), ("disable", .disabled),
            ] {
                group.post("\(one)/\(action)", limits: .noBody) {
                    try await manage.set(status, $0, $1)
                }
            }
        }
    }
}
