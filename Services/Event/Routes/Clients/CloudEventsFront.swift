import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit

/// `POST /v1/sdk/cloudevents`: CloudEvents 1.0 over HTTP, binary, structured and as a batch.
///
/// Source: CloudEvents HTTP Protocol Binding 1.0.2 and JSON Event Format 1.0.2.
struct CloudEventsFront: Sendable {
    static let keys = KeyPlaces(query: ["key"])
    private static let structured = "application/cloudevents+json"
    private static let batch = "application/cloudevents-batch+json"

    let front: ClientFront

    func respond(_ request: HTTPRequest, _ principal: SDKPrincipal) async throws -> HTTPResponse {
        let translation = CloudEventTranslation(receivedAt: request.context.receivedAt)
        let type = request.headers["Content-Type"].map(MediaType.essence) ?? ""
        let results: [IngestResult]
        switch type {
        case Self.batch:
            let body = try JSONSlice(parsing: request.body)
            guard body.kind == .array else {
                throw Problem.badRequest("batch_required", "Send a list of events.", pointer: "")
            }
            let events = try ClientFront.events(of: body, at: "")
            results = try await front.take(
                events.map(translation.read), request, principal
            ) { SentEvent(events[$0], typedBy: "type", at: $0) }
        case Self.structured:
            let body = try JSONSlice(parsing: request.body)
            results = try await front.take(
                one: translation.read(body), request, principal,
                sent: SentEvent(body, typedBy: "type"))
        default:
            guard request.headers.contains("ce-specversion") else {
                throw Problem.unsupportedMediaType(
                    accepted: [Self.structured, Self.batch, "any type with ce-… headers"])
            }
            let attributes = try Self.attributes(of: request)
            let data = try Self.data(of: request, type)
            let reading = translation.read(attributes, data, body: request.body)
            results = try await front.take(
                one: reading, request, principal, sent: SentEvent(attributes, data))
        }
        return .bytes(IngestReply.bytes(results), contentType: MediaType.json, status: 202)
    }

    private static func attributes(
        of request: HTTPRequest
    ) throws(Problem) -> [(name: String, value: String)] {
        var attributes: [(name: String, value: String)] = []
        for field in request.headers.fields {
            let name = field.name.lowercased()
            if name == "content-type" {
                attributes.append(("datacontenttype", field.value))
            } else if name.hasPrefix("ce-") {
                guard let value = PercentDecoding.decode(field.value.utf8, plusIsSpace: false)
                else {
                    throw .badRequest(
                        "invalid_attribute", "The header \(name) has a broken percent escape.",
                        pointer: name)
                }
                attributes.append((String(name.dropFirst(3)), value.text))
            }
        }
        return attributes
    }

    private static func data(
        of request: HTTPRequest, _ type: String
    ) throws(Problem) -> CloudEventData? {
        guard !request.body.isEmpty else { return nil }
        if type.hasSuffix("/json") || type.hasSuffix("+json") {
            return .json(try JSONSlice(parsing: request.body))
        }
        if type.hasPrefix("text/"), let text = String(validating: request.body, as: UTF8.self) {
            return .text(text)
        }
        return .base64(Data(request.body).base64EncodedString())
    }
}

extension SentEvent {
    /// An event that came in binary mode, in the JSON format, in which it can be kept as one piece.
    fileprivate init(
        _ attributes: [(name: String, value: String)], _ data: CloudEventData?
    ) {
        var members = ObjectBuilder()
        for (name, value) in attributes { members.set(name, EncodedJSON(text: value)) }
        switch data {
        case nil: break
        case .json(let value): members.set("data", EncodedJSON(value))
        case .text(let text): members.set("data", EncodedJSON(text: text))
        case .base64(let text): members.set("data_base64", EncodedJSON(text: text))
        }
        self.init(
            EncodedJSON(object: members.members).bytes,
            type: attributes.first { $0.name == "type" }?.value)
    }
}
