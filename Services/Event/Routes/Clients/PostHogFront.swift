import HTTPKit
import Kernel
import ServiceKit

/// What PostHog's clients call: events, and the flags that they ask for, of which there are none.
struct PostHogFront: Sendable {
    /// Where the key is when no header has it.
    static let keys = KeyPlaces(
        query: ["api_key", "token", "key"],
        body: { body in
            (try? JSONSlice(parsing: body)).flatMap { PostHogTranslation.key(in: $0) }
        })
    private static let success = #""status":1"#

    let front: ClientFront

    /// `POST /v1/sdk/posthog/{call}`.
    func respond(_ request: HTTPRequest, _ principal: SDKPrincipal) async throws -> HTTPResponse {
        switch try request.pathParameters.string("call") {
        case "batch", "capture", "e", "track": try await take(request, principal)
        case "flags", "decide": flags(request)
        default: throw Problem.notFound("call")
        }
    }

    /// One event, a list, or `{"batch": […]}`; every path takes each of them.
    func take(_ request: HTTPRequest, _ principal: SDKPrincipal) async throws -> HTTPResponse {
        let body = try JSONSlice(parsing: request.body)
        let translation = PostHogTranslation(
            receivedAt: request.context.receivedAt,
            sharedSentAt: ClientText.time(body["sent_at"]))
        let list = body.kind == .array ? body : body["batch"]
        guard let list, list.kind == .array else {
            let results = try await front.take(
                one: translation.read(body), request, principal,
                sent: SentEvent(body, typedBy: "event", sentAt: translation.sharedSentAt))
            return ClientFront.answer(Self.success, results)
        }
        let events = try ClientFront.events(of: list, at: "/batch")
        return ClientFront.answer(
            Self.success, try await take(events, translation, request, principal))
    }

    /// The newer protocol, whose answer tells what became of each event by its `uuid`.
    func takeListed(
        _ request: HTTPRequest, _ principal: SDKPrincipal
    ) async throws -> HTTPResponse {
        let body = try JSONSlice(parsing: request.body)
        let translation = PostHogTranslation(
            receivedAt: request.context.receivedAt,
            sharedSentAt: ClientText.time(request.headers["PostHog-Request-Timestamp"]))
        let events = try ClientFront.batch(of: body)
        let results = try await take(events, translation, request, principal)
        var told = ObjectBuilder()
        for (event, result) in zip(events, results) {
            guard let uuid = event["uuid"]?.string else { continue }
            told.set(uuid, Self.verdict(on: result))
        }
        let answer = EncodedJSON(object: [("results", EncodedJSON(object: told.members))])
        return .bytes(Array(answer.bytes), contentType: MediaType.json)
    }

    private func take(
        _ events: [JSONSlice], _ translation: PostHogTranslation, _ request: HTTPRequest,
        _ principal: SDKPrincipal
    ) async throws(Problem) -> [IngestResult] {
        let readings = events.enumerated().map { translation.read($0.element, at: $0.offset) }
        return try await front.take(readings, request, principal) { place in
            SentEvent(
                events[place], typedBy: "event", at: place, sentAt: translation.sharedSentAt)
        }
    }

    private static func verdict(on result: IngestResult) -> EncodedJSON {
        let (word, details): (String, String?) =
            switch result {
            case .logged(_, .conflict): ("warning", "event_id_conflict")
            case .logged: ("ok", nil)
            case .rejected(_, let rejection): ("drop", rejection.detail)
            }
        let why = details.map { [(name: "details", value: EncodedJSON(text: $0))] } ?? []
        return EncodedJSON(object: [("result", EncodedJSON(text: word))] + why)
    }

    private func flags(_ request: HTTPRequest) -> HTTPResponse {
        .json(
            [
                "flags": [:], "featureFlags": [:], "featureFlagPayloads": [:],
                "errorsWhileComputingFlags": false, "sessionRecording": false,
                "supportedCompression": ["gzip"], "config": ["enable_collect_everything": true],
                "requestId": .string(request.context.requestID),
            ] as JSONValue)
    }
}
