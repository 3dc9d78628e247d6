import Contracts
package import HTTPKit
import Kernel
import MessagingKit
import ServiceKit

extension NotificationService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        router.group(context.audiences.portal) { group in
            mountTemplates(&group)
            mountNotifications(&group)
            mountWebhooks(&group)
        }
        router.group(context.audiences.public) { group in
            let unsubscribe = Unsubscribe(
                store: suppressions, secrets: secrets, postgres: context.postgres,
                world: context.world)
            group.get("/u/{token}", limits: Unsubscribe.limits) { request, _ in
                try await unsubscribe.show(request)
            }
            group.post("/u/{token}", limits: Unsubscribe.limits) { request, _ in
                try await unsubscribe.perform(request)
            }
        }
        // A call that an event caused is answered when that event is known here too.
        let barrier = BarrierMiddleware([subscriber.barrier])
        router.group(context.audiences.internal(middleware: [barrier])) { group in
            let send = SendNotification(
                store: notifications,
                queue: .gathering { [notifications] in try await notifications.queue($0) },
                templates: compiled, secrets: secrets,
                clientService: context.peer(.client), outbox: outbox,
                postgres: context.postgres, wake: mailLoop.wake, world: context.world)
            group.on(NotificationContracts.send) { input, request, _ in
                try await send.respond(input, request)
            }
        }
    }

    private func mountTemplates(_ group: inout RouteGroup<PortalPrincipal>) {
        let manage = ManageTemplates(store: templates, published: compiled, context: context)
        let one = "/templates/{template_key}"
        group.get("/templates", handler: manage.list)
        group.post("/templates", handler: manage.create)
        group.get(one, handler: manage.one)
        group.get("\(one)/versions", handler: manage.versions)
        group.post("\(one)/versions", handler: manage.addVersion)
        group.get("\(one)/versions/{version}", handler: manage.version)
        group.post("\(one)/publish", handler: manage.publish)
        group.post("\(one)/preview", handler: manage.preview)
    }

    private func mountNotifications(_ group: inout RouteGroup<PortalPrincipal>) {
        let read = ReadNotifications(store: notifications)
        group.get("/notifications", handler: read.list)
        group.get("/notifications/{notification_id}", handler: read.one)
        let manage = ManageSuppressions(store: suppressions, secrets: secrets, context: context)
        group.get("/suppressions", handler: manage.list)
        group.post("/suppressions", handler: manage.add)
        group.delete("/suppressions/{suppression_id}", handler: manage.remove)
    }

    private func mountWebhooks(_ group: inout RouteGroup<PortalPrincipal>) {
        let manage = ManageWebhooks(
            store: webhooks, secrets: secrets, allowsHTTP: configuration.allowsPrivateTargets,
            wake: webhookLoop.wake, context: context)
        let one = "/webhooks/{webhook_id}"
        group.get("/webhooks", handler: manage.list)
        group.post("/webhooks", handler: manage.create)
        group.get(one, handler: manage.one)
        group.delete(one, handler: manage.delete)
        group.post("\(one)/rotate-secret", limits: .noBody, handler: manage.rotate)
        for (action, status) in [("enable", WebhookStatus.enabled), ("disable", .disabled)] {
            group.post("\(one)/\(action)", limits: .noBody) {
                try await manage.set(status, $0, $1)
            }
        }
        group.get("\(one)/deliveries", handler: manage.deliveries)
        group.get("\(one)/deliveries/{delivery_id}", handler: manage.delivery)
        group.post(
            "\(one)/deliveries/{delivery_id}/replay", limits: .noBody, handler: manage.replay)
    }
}
