import Contracts
import HTTPKit
import ServiceKit

extension EventService {
    /// How a client manages the secrets by which its events are believed.
    func eventSecretRoutes(_ router: inout Router) {
        let manage = ManageEventSecrets(
            store: eventSecrets, catalogues: intake.catalogues,
            clientService: context.peer(.client),
            context: context)
        router.group(context.audiences.portal) { group in
            group.get("/event-secrets", handler: manage.list)
            group.post("/event-secrets/{secret_scope}/rotate", handler: manage.rotate)
            group.delete("/event-secrets/{secret_scope}", handler: manage.delete)
        }
    }
}
