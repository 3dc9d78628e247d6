import HTTPKit
import Kernel
import ServiceKit

/// What the fronts for other people's clients have in common: they read a request as events, hand
/// them to the intake, and answer as those clients expect.
struct ClientFront: Sendable {
    /// The largest body after unpacking, in bytes: the clients put a hundred events into a batch,
    /// and some of those may be of the largest that are taken.
    static let maximumBytes = 4_200_000
    /// Clients of browsers call JSON `text/plain` to spare the preflight; some say nothing.
    static let limits = RouteLimits(bodyLimitBytes: maximumBytes, contentTypes: [])

    let intake: EventIntake
    let name: EventFront

    /// Hands a batch on; the results in the order sent.
    func take(
        _ readings: [EventReading], _ request: HTTPRequest, _ principal: SDKPrincipal,
        sent: (_ place: Int) -> SentEvent
    ) async throws(Problem) -> [IngestResult] {
        try await intake.take(readings, IngestContext(request, principal, name), sent: sent)
    }

    /// Hands one event on, whose refusal refuses the request.
    func take(
        one reading: EventReading, _ request: HTTPRequest, _ principal: SDKPrincipal,
        sent: SentEvent
    ) async throws(Problem) -> [IngestResult] {
        let results = try await take([reading], request, principal) { _ in sent }
        if case .rejected(_, let rejection) = results.first {
            throw .badRequest(rejection.code, rejection.detail, pointer: rejection.pointer)
        }
        return results
    }

    /// The events in the member `batch`. Throws 400 without one, or with more than a request may
    /// carry.
    static func batch(of body: JSONSlice) throws(Problem) -> [JSONSlice] {
        guard let list = body["batch"], list.kind == .array else {
            throw .badRequest("batch_required", "Send {\"batch\": […]}.", pointer: "/batch")
        }
        return try events(of: list, at: "/batch")
    }

    /// The events of a batch. Throws 400 for more than one request may carry.
    static func events(of list: JSONSlice, at pointer: String) throws(Problem) -> [JSONSlice] {
        let events = list.elements
        guard events.count <= IngestEvents.maximumEvents else {
            throw .badRequest(
                "invalid_event_count",
                "Send at most \(IngestEvents.maximumEvents) events at a time.", pointer: pointer)
        }
        return events
    }

    /// What these clients take for success, with what was refused of a batch beside it.
    static func answer(_ success: String, _ results: [IngestResult]) -> HTTPResponse {
        let refused = IngestReply.refused(results)
        let more = refused.isEmpty ? "" : #","rejected":[\#(refused.joined(separator: ","))]"#
        return .bytes(Array("{\(success)\(more)}".utf8), contentType: MediaType.json)
    }
}
