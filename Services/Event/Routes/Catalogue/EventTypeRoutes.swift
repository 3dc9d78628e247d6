import HTTPKit
import ServiceKit

/// `GET /v1/schemas/event.json`: what one event is like, for people and their tools.
enum EventSchema {
    static let response = HTTPResponse.bytes(
        PackageResources.event_schema_json, contentType: "application/schema+json",
        headers: ["Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"])
}

extension EventService {
    /// How a client reads and adds types of events.
    func eventTypeRoutes(_ router: inout Router) {
        let manage = ManageEventTypes(
            store: eventTypes, catalogues: intake.catalogues, context: context)
        router.group(context.audiences.portal) { group in
            let one = "/event-types/{event_type}"
            group.get("/event-types", handler: manage.list)
            group.post("/event-types", handler: manage.create)
            group.get(one, handler: manage.one)
            group.patch(one, handler: manage.update)
            group.delete(one, handler: manage.delete)
            group.get("/event-settings", handler: manage.settings)
            group.patch("/event-settings", handler: manage.change)
        }
        router.group(context.audiences.public) { group in
            group.get("/v1/schemas/event.json") { _, _ in EventSchema.response }
        }
    }
}
