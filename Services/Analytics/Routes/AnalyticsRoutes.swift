import Contracts
package import HTTPKit
import Kernel
import ServiceKit

extension AnalyticsService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        router.group(context.audiences.portal) { group in
            dashboard(&group)
        }
        live(&router)
        let find = FindArchivedEvent(events: EventListStore(client: clickHouse))
        router.group(context.audiences.internal) { group in
            group.on(AnalyticsContracts.archivedEvent) { input, _, _ in
                try await find.respond(input)
            }
        }
    }

    private func dashboard(_ group: inout RouteGroup<PortalPrincipal>) {
        let numbers = DashboardStore(client: clickHouse)
        let read = ReadDashboard(
            numbers: numbers,
            finality: Finality(hours: stream.batches.hours, probe: probe), world: context.world)
        let leaderboard = ReadLeaderboard(numbers: numbers, world: context.world)
        let activity = ReadActivity(numbers: numbers, world: context.world)
        let events = ListEvents(
            events: EventListStore(client: clickHouse), world: context.world)
        let interactions = ListInteractions(
            events: EventListStore(client: clickHouse), world: context.world)
        group.get("/interactions", handler: interactions.respond)
        group.get("/dashboard", handler: read.respond)
        group.get("/dashboard/leaderboard", handler: leaderboard.respond)
        group.get("/dashboard/hourly", handler: activity.respond)
        group.get("/dashboard/events", handler: events.respond)
    }
}
