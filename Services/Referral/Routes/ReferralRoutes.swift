import Contracts
package import HTTPKit
import Kernel
import MessagingKit
import ServiceKit

extension ReferralService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        router.group(context.audiences.public) { group in
            let follow = FollowLink(
                links: links, clicks: clicks, definitions: definitions,
                limits: VisitLimits(context.limiter, configuration), hash: hash,
                world: context.world, isSecure: configuration.publicURL.hasPrefix("https://"))
            group.get("/r/{code}") { request, _ in try await follow.respond(request) }
        }
        router.group(context.audiences.portal) { group in portal(&group) }
        // A call that an event caused is answered when that event is known here too.
        let barrier = BarrierMiddleware([subscriber.barrier])
        router.group(context.audiences.internal(middleware: [barrier])) { group in
            let issue = IssueLink(
                links: links, definitions: definitions, publicURL: configuration.publicURL,
                faults: context.world.faults)
            let check = CheckConversion(booking: booking, definitions: definitions)
            group.on(ReferralContracts.issueLink) { input, _, _ in
                try await issue.respond(input)
            }
            group.on(ReferralContracts.checkConversion) { input, request, _ in
                try await check.respond(input, request)
            }
        }
    }

    private func portal(_ group: inout RouteGroup<PortalPrincipal>) {
        let links = ListLinks(links: links, publicURL: configuration.publicURL)
        let referrals = ListReferrals(referrals: referrals)
        let conversions = ReadConversions(conversions: booking.conversions)
        let decision = ReadDecision(decisions: booking.decisions)
        let preview = PreviewConversion(
            booking: booking, campaigns: campaigns, definitions: definitions,
            world: context.world)
        group.get("/links", handler: links.respond)
        group.get("/referrals", handler: referrals.respond)
        group.get("/conversions", handler: conversions.list)
        group.get("/conversions/{conversion_id}", handler: conversions.read)
        group.get("/conversions/decisions/{decision_id}", handler: decision.respond)
        group.post("/conversions/check", handler: preview.respond)
    }
}
