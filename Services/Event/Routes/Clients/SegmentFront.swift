import HTTPKit
import Kernel
import ServiceKit

/// Segment's HTTP API: its own clients and RudderStack's work unchanged.
struct SegmentFront: Sendable {
    /// Where the key is when no header has it.
    static let keys = KeyPlaces(
        query: ["writeKey", "key"], path: "write_key",
        body: { body in (try? JSONSlice(parsing: body))?["writeKey"]?.string })
    /// What a batch may say once for all of its events, in bytes.
    private static let maximumSharedContextBytes = 4096
    private static let success = #""success":true"#

    let front: ClientFront

    /// `POST /v1/sdk/segment/v1/{call}`.
    func respond(_ request: HTTPRequest, _ principal: SDKPrincipal) async throws -> HTTPResponse {
        let path = try request.pathParameters.string("call")
        if ["batch", "import", "b"].contains(path) {
            return try await batch(request, principal)
        }
        guard let call = SegmentCall(path: path) else { throw Problem.notFound("call") }
        let translation = SegmentTranslation(receivedAt: request.context.receivedAt)
        let body = try JSONSlice(parsing: request.body)
        var sent = SentEvent(body, typedBy: "event")
        sent.call = call.rawValue
        if call != .track { sent.type = call.rawValue }
        let reading = translation.read(body, as: call)
        return ClientFront.answer(
            Self.success, try await front.take(one: reading, request, principal, sent: sent))
    }

    private func batch(
        _ request: HTTPRequest, _ principal: SDKPrincipal
    ) async throws(Problem) -> HTTPResponse {
        let body = try JSONSlice(parsing: request.body)
        let events = try ClientFront.batch(of: body)
        let shared = body["context"]
        guard (shared?.bytes.count ?? 0) <= Self.maximumSharedContextBytes else {
            throw .badRequest(
                "context_too_large",
                "A batch's context takes at most \(Self.maximumSharedContextBytes) bytes.",
                pointer: "/context")
        }
        let translation = SegmentTranslation(
            receivedAt: request.context.receivedAt,
            sharedSentAt: ClientText.time(body["sentAt"]), sharedContext: shared)
        let readings = events.enumerated().map { translation.read($0.element, at: $0.offset) }
        let results = try await front.take(readings, request, principal) { place in
            var sent = SentEvent(
                events[place], typedBy: "event", at: place, sentAt: translation.sharedSentAt)
            sent.type = sent.type ?? events[place]["type"]?.string
            sent.shared = shared?.bytes
            return sent
        }
        return ClientFront.answer(Self.success, results)
    }

    /// `GET /v1/sdk/segment/v1/projects/{write_key}/settings`: what Segment's browser client reads
    /// before it starts.
    func settings(
        _ request: HTTPRequest, _ principal: SDKPrincipal
    ) async throws -> HTTPResponse {
        let key = try request.pathParameters.string("write_key")
        let settings: JSONValue = [
            "integrations": [
                "Segment.io": [
                    "apiKey": .string(key), "unbundledIntegrations": [],
                    "addBundledMetadata": false, "maybeBundledConfigIds": [:],
                    "versionSettings": ["version": "4.4.7", "componentTypes": ["browser"]],
                ]
            ],
            "plan": [
                "track": ["__default": ["enabled": true, "integrations": [:]]],
                "identify": ["__default": ["enabled": true]],
                "group": ["__default": ["enabled": true]],
            ],
            "edgeFunction": [:], "middlewareSettings": [:], "enabledMiddleware": [:],
            "metrics": ["sampleRate": 0], "remotePlugins": [], "analyticsNextEnabled": true,
            "legacyVideoPluginsEnabled": false,
        ]
        return .json(settings, headers: ["Cache-Control": "private, max-age=300"])
    }
}
