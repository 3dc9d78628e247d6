import Contracts
import HTTPKit
import Kernel
import ServiceKit

extension EventService {
    /// How a client looks at its events.
    func lookingRoutes(_ router: inout Router) {
        let store = LoggedEventStore(postgres: context.postgres)
        let events = LoggedEvents(store: store)
        let read = ReadEvents(
            events: events,
            way: EventWay(
                store: store, workflowService: context.peer(.workflow),
                analyticsService: context.peer(.analytics)))
        let portal = context.audiences.portal
        let watch = WatchLoggedEvents(
            log: log, rejected: intake.rejected.store, seats: WatchSeats(),
            clock: context.world.clock, authenticate: portal.authenticate)
        let volumes = ReadVolumes(store: intake.volumes.store, clock: context.world.clock)
        router.group(portal) { group in
            group.get("/events", handler: read.list)
            group.get("/events/volumes", handler: volumes.respond)
            group.get("/events/live", handler: watch.respond)
            group.get("/events/{position}", handler: read.one)
        }
    }
}
