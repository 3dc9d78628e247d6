import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// `/u/{token}`: ends a client's mail to one address (RFC 8058).
///
/// `GET` only shows a page: scanners of mail follow every link. `POST` does it, also without a
/// person, as mail programs send it.
struct Unsubscribe: Sendable {
    /// Mail programs send a form, some nothing.
    static let limits = RouteLimits(bodyLimitBytes: 4096, contentTypes: [], requiresLength: false)

    let store: SuppressionStore
    let secrets: NotificationSecrets
    let postgres: PostgresClient
    let world: World

    func show(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard secrets.readUnsubscribeToken(request.pathParameters["token"] ?? "") != nil else {
            return Self.unknown
        }
        return Self.page(
            title: "Stop these messages?",
            body: """
                <p>You will get no more mail from this sender.</p>
                <form method="post"><input type="hidden" name="List-Unsubscribe" \
                value="One-Click"><button type="submit">Unsubscribe</button></form>
                """)
    }

    func perform(_ request: HTTPRequest) async throws -> HTTPResponse {
        let token = request.pathParameters["token"] ?? ""
        guard let (client, hash) = secrets.readUnsubscribeToken(token) else {
            return Self.unknown
        }
        _ = try await store.add(
            SuppressionRecord(
                addressHash: hash, reason: .unsubscribe, createdBy: "recipient",
                createdAt: world.clock.now()),
            of: client, with: postgres)
        return Self.page(
            title: "You are unsubscribed",
            body: "<p>You will get no more mail from this sender.</p>"
        )
    }

    private static let unknown = page(
        title: "This link does not work",
        body: "<p>Please use the link exactly as it stands in the message.</p>", status: 404)

    private static func page(title: String, body: String, status: Int = 200) -> HTTPResponse {
        let text = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex">
            <title>\(title)</title>
            <style>
              :root { color-scheme: light dark; }
              body { margin: 0; min-height: 100vh; display: grid; place-items: center;
                font: 17px/1.5 system-ui, sans-serif; background: #f6f5f8; color: #1f1a24; }
              main { max-width: 26rem; margin: 1rem; padding: 2.5rem 2rem; border-radius: 16px;
                background: #fff; text-align: center; }
              h1 { margin: 0 0 .75rem; font-size: 1.4rem; }
              p { margin: 0 0 1.5rem; }
              button { font: inherit; font-weight: 600; padding: .7rem 1.6rem; border: 0;
                border-radius: 8px; background: #5b2a86; color: #fff; cursor: pointer; }
              button:focus-visible { outline: 3px solid #b48be0; outline-offset: 2px; }
              @media (prefers-color-scheme: dark) {
                body { background: #16121b; color: #f3effa; } main { background: #221c2b; }
              }
            </style>
            </head>
            <body><main><h1>\(title)</h1>\(body)</main></body>
            </html>
            """
        return .bytes(
            Array(text.utf8), contentType: "text/html; charset=utf-8", status: status,
            headers: [
                "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
                "Content-Security-Policy":
                    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
                    + "base-uri 'none'; frame-ancestors 'none'",
                "X-Content-Type-Options": "nosniff",
            ])
    }
}
