import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

/// What a call was answered.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: JSONValue

    var text: String {
        (try? JSONCoding.encode(body)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension EventHarness {
    /// Calls the portal with a secret key.
    func portal(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, once: String? = nil,
        key: APIKeySecret? = nil
    ) async throws -> Answer {
        var headers: HTTPHeaders = ["Authorization": "Bearer \((key ?? keys.secret).text)"]
        headers["Idempotency-Key"] = once
        if body != nil { headers["Content-Type"] = "application/json" }
        let bytes =
            try body.map { try JSONCoding.encode($0) }
            ?? ([.get, .delete].contains(method) ? nil : [])
        let response = try await http.send(
            ClientRequest(
                method: method, url: "\(service.url)/v1/portal\(path)", headers: headers,
                body: bytes),
            describedBy: Self.description)
        return Answer(
            status: response.status, headers: response.headers,
            body: response.body.isEmpty ? .null : try JSONCoding.parse(response.body))
    }

    /// Makes a source and gives its id.
    func source(
        _ kind: WebhookKind, secret: String?, settings: JSONValue? = nil,
        key: APIKeySecret? = nil
    ) async throws -> (id: String, made: JSONValue) {
        var body: [String: JSONValue] = ["kind": .string(kind.rawValue), "name": "A shop"]
        body["secret"] = secret.map { .string($0) }
        body["settings"] = settings
        let answer = try await portal(.post, "/webhook-sources", .object(body), key: key)
        #expect(answer.status == 201, "\(answer.body)")
        return (try #require(answer.body["source_id"]?.string), answer.body)
    }

    /// Sends a webhook as a shop would.
    func hook(_ id: String, _ headers: HTTPHeaders, _ body: [UInt8]) async throws -> Answer {
        var headers = headers
        if !headers.contains("Content-Type") { headers["Content-Type"] = "application/json" }
        let response = try await http.send(
            ClientRequest(
                method: .post, url: "\(service.url)/v1/hooks/\(id)", headers: headers, body: body))
        return Answer(
            status: response.status, headers: response.headers,
            body: try JSONCoding.parse(response.body))
    }

    /// What is in the log of the client.
    func taken() async throws -> [LogEvent] {
        try await HTTPLog(peer: peer).feed(
            FeedRequest(
                subscriber: nil, shard: ShardMap.installed.shard(of: keys.clientID), after: 0)
        ).events
    }
}

/// Signs as the senders do.
enum Sender {
    static func shopify(
        _ topic: String, _ body: String, secret: String, event: String = UUID().uuidString,
        webhook: String = UUID().uuidString
    ) -> HTTPHeaders {
        let code = Digest.hmacSHA256(key: Array(secret.utf8), message: Array(body.utf8))
        return [
            "X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "example.myshopify.com",
            "X-Shopify-Hmac-Sha256": Base64.encode(code), "X-Shopify-Event-Id": event,
            "X-Shopify-Webhook-Id": webhook, "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Triggered-At": "2026-11-21T10:00:00.123456789Z",
        ]
    }

    static func stripe(_ body: String, secret: String, at seconds: Int64? = nil) -> HTTPHeaders {
        let time = seconds ?? SystemClock().now().unixSeconds
        let code = Digest.hmacSHA256(
            key: Array(secret.utf8), message: Array("\(time).\(body)".utf8))
        return ["Stripe-Signature": "t=\(time),v1=\(Hex.encode(code))"]
    }

    static func standard(
        _ body: String, secret: String, id: String, at seconds: Int64? = nil
    ) throws -> HTTPHeaders {
        let time = seconds ?? SystemClock().now().unixSeconds
        let secret = try #require(WebhookSecret(text: secret))
        return [
            "webhook-id": id, "webhook-timestamp": "\(time)",
            "webhook-signature": secret.signature(of: Array(body.utf8), id: id, seconds: time),
        ]
    }
}
