import Contracts
import FoundationEssentials
import HTTPKit
import Kernel

/// A type of events with what its properties are like.
struct EventTypeEntry: Sendable, Hashable, Codable {
    enum Source: String, Sendable, Codable {
        /// Every client has it.
        case catalogue
        /// The client added it.
        case client
    }

    let name: String
    let source: Source
    /// What it belongs to, of the catalogue's (`purchase`).
    let category: String?
    let description: String
    /// A JSON Schema of the properties.
    let schema: JSONValue
    let createdAt: Timestamp?
    let updatedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case name, source, category, description, schema
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}

/// The types that every client has.
struct EventCatalogue: Sendable {
    static let installed = EventCatalogue(reading: PackageResources.event_types_json)

    /// By name.
    let entries: [EventTypeEntry]
    private let schemas: [String: PropertySchema]

    private struct Line: Decodable {
        let name: String
        let category: String
        let description: String
        let properties: JSONValue
    }

    /// Reads the list in Resources, which a test holds against the rules for schemas.
    init(reading bytes: [UInt8]) {
        do {
            let lines = try JSONCoding.decode([Line].self, from: bytes, strictness: .strict)
            var schemas: [String: PropertySchema] = [:]
            entries = try lines.map { line in
                let schema: JSONValue = ["type": "object", "properties": line.properties]
                schemas[line.name] = try PropertySchema(ofProperties: schema)
                return EventTypeEntry(
                    name: line.name, source: .catalogue, category: line.category,
                    description: line.description, schema: schema, createdAt: nil,
                    updatedAt: nil)
            }.sorted { $0.name < $1.name }
            self.schemas = schemas
        } catch {
            preconditionFailure("event-types.json: \(error)")
        }
    }

    func schema(of type: String) -> PropertySchema? { schemas[type] }
}

/// What becomes of events of a type that nobody described.
enum UnknownEventTypes: String, Sendable, Codable, CaseIterable {
    case accept, refuse
}

/// By what the intake checks one client's events.
struct ClientCatalogue: Sendable {
    var unknown: UnknownEventTypes = .accept
    /// The client's own, by name.
    var schemas: [String: PropertySchema] = [:]
    /// By which its requests and user tokens are checked; see `EventSecretScope.rowID`.
    var secrets: [UUID: EventSecretKeys] = [:]

    /// Throws why the event is not taken.
    ///
    /// - Parameters:
    ///   - isNative: whether the event was sent in our own format, so that the catalogue's
    ///     properties mean what it says. Other tools use the same names for other forms.
    ///   - last: an event that was checked like this and taken: another one of its type and with
    ///     the same properties, word for word, can be taken as well.
    func check(
        _ event: IncomingEvent, isNative: Bool, after last: IncomingEvent? = nil,
        by catalogue: EventCatalogue = .installed
    ) throws(EventRejection) {
        if let last, last.type == event.type, last.hasSameProperties(as: event) { return }
        let known = catalogue.schema(of: event.type)
        guard let schema = schemas[event.type] ?? known else {
            if unknown == .accept { return }
            throw .field(
                "event", "event_type_unknown",
                "There is no event type '\(event.type)', and this client refuses unknown ones.")
        }
        if known != nil, !isNative { return }
        do throws(PropertySchema.Misfit) {
            try schema.check(event.properties?.slice)
        } catch {
            throw EventRejection(
                code: "property_invalid",
                detail: "A property of '\(event.type)' does not fit: \(error.detail)",
                pointer: "/properties\(error.pointer)")
        }
    }
}
