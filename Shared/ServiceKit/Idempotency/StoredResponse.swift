package import HTTPKit
import Kernel

/// An answer that can be kept and given again: its status, a few headers, its whole body.
package struct StoredResponse: Sendable, Hashable {
    /// What is kept of a response's headers; all else belongs to one delivery.
    package static let keptHeaders = ["Content-Type", "Location", "ETag"]

    package let status: Int
    /// Only `keptHeaders`.
    package let headers: [HTTPHeaders.Field]
    package let body: [UInt8]

    package init(status: Int, headers: [HTTPHeaders.Field] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers.filter { field in
            Self.keptHeaders.contains { HTTPHeaders.isSameName($0, field.name) }
        }
        self.body = body
    }

    /// A value as JSON. Throws when the value cannot be encoded.
    package static func json(
        _ value: some Encodable, status: Int = 200, headers: HTTPHeaders = HTTPHeaders()
    ) throws -> StoredResponse {
        let body = try JSONCoding.encode(value)
        let type = HTTPHeaders.Field(name: "Content-Type", value: "application/json")
        return StoredResponse(status: status, headers: [type] + headers.fields, body: body)
    }

    /// 204 without content.
    package static let noContent = StoredResponse(status: 204)

    /// The answer for the wire. A repeat says so in `Idempotency-Replayed`.
    package func response(isReplay: Bool) -> HTTPResponse {
        var sent = HTTPHeaders(fields: headers)
        if isReplay { sent.add("Idempotency-Replayed", "true") }
        return HTTPResponse(
            status: status, headers: sent, body: body.isEmpty ? .empty : .bytes(body))
    }

    /// The body as a value, for answers that another layer wraps. Throws 500 when it is not one.
    package func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONCoding.decode(type, from: body, strictness: .lenient)
    }
}

/// What `IdempotencyStore.perform` gives back.
package struct IdempotentAnswer: Sendable, Hashable {
    package let stored: StoredResponse
    /// The effect was there already; nothing was done now.
    package let isReplay: Bool

    /// The answer for the wire.
    package var response: HTTPResponse { stored.response(isReplay: isReplay) }
}
