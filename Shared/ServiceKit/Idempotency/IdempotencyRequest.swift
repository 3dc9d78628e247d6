package import HTTPKit
package import Kernel
import SecurityKit

/// One request that must take effect once, however often it is sent.
package struct IdempotencyRequest: Sendable, Hashable {
    /// The longest key, in characters.
    package static let maximumKeyLength = 255

    /// Whose key it is; the same text of two clients is two keys.
    package let clientID: ClientID
    /// The call (`POST /v1/portal/campaigns`); the same text at two calls is two keys.
    package let route: String
    /// The caller's key, without quotes.
    package let key: String
    /// SHA-256 of everything that decides the effect.
    package let fingerprint: [UInt8]

    /// A request that does not come over HTTP (a message, a command).
    ///
    /// - Parameter payload: everything that decides the effect.
    package init(clientID: ClientID, route: String, key: String, payload: [UInt8]) {
        self.clientID = clientID
        self.route = route
        self.key = key
        fingerprint = Digest.sha256(payload)
    }

    /// The request's `Idempotency-Key` with its method, path, query and body. Nil when it has none.
    ///
    /// Throws 400 `idempotency_key_invalid` for a header that is repeated, empty, too long or not
    /// printable ASCII.
    package init?(_ request: HTTPRequest, clientID: ClientID) throws(Problem) {
        guard let key = try IdempotencyKeyHeader.key(of: request.headers) else { return nil }
        let route = "\(request.method.rawValue) \(request.path)"
        var payload = Array(route.utf8)
        for item in request.query.items {
            payload += Array("\n\(item.name)=\(item.value)".utf8)
        }
        payload.append(0)
        payload += request.body
        self.init(clientID: clientID, route: route, key: key, payload: payload)
    }

    /// Like the other, and throws 400 `idempotency_key_required` when the request has no key.
    package init(required request: HTTPRequest, clientID: ClientID) throws(Problem) {
        guard let value = try Self(request, clientID: clientID) else {
            throw .badRequest(
                "idempotency_key_required",
                "Send an Idempotency-Key header, a new one for each thing that should happen once.",
                pointer: IdempotencyKeyHeader.name)
        }
        self = value
    }
}

/// Reads the header, bare (`abc`) or as a structured-field string (`"abc"`).
enum IdempotencyKeyHeader {
    static let name = "Idempotency-Key"

    static func key(of headers: HTTPHeaders) throws(Problem) -> String? {
        let values = headers.values(name)
        guard let first = values.first else { return nil }
        guard values.count == 1, let key = parse(first),
            (1...IdempotencyRequest.maximumKeyLength).contains(key.utf8.count)
        else {
            throw .badRequest(
                "idempotency_key_invalid",
                "Send one Idempotency-Key of 1 to 255 printable ASCII characters.", pointer: name)
        }
        return key
    }

    /// Nil for control characters, non-ASCII, and quotes that do not match.
    static func parse(_ text: String) -> String? {
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        guard text.hasPrefix("\"") else { return text.contains("\"") ? nil : text }
        guard text.utf8.count >= 2, text.hasSuffix("\"") else { return nil }
        var key = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            switch (character, isEscaped) {
            case ("\\", false): isEscaped = true
            case ("\"", false): return nil
            case ("\\", true), ("\"", true), (_, false):
                key.append(character)
                isEscaped = false
            case (_, true): return nil
            }
        }
        return isEscaped ? nil : key
    }
}
