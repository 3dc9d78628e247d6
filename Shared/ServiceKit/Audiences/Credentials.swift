import HTTPKit
import Kernel
import SecurityKit

/// Finds the credential in a request's headers.
enum Credentials {
    /// The longest credential that is looked at, in bytes.
    static let maximumBytes = 8192

    /// The token of `Authorization: Bearer …`. Throws 401 when there is none.
    static func bearer(_ request: HTTPRequest) throws(Problem) -> String {
        guard let token = try authorization(request, scheme: "bearer") else {
            throw missing("Send the credential as 'Authorization: Bearer …'.")
        }
        return token
    }

    /// A key by `Authorization: Bearer`, `X-Grapevine-Key`, or as the user name of
    /// `Authorization: Basic` (as Segment's libraries send it). Throws 401 when there is none.
    static func apiKey(_ request: HTTPRequest) throws(Problem) -> String {
        let named = request.headers.values("X-Grapevine-Key")
        if let key = named.first {
            guard named.count == 1, !key.isEmpty, key.utf8.count <= maximumBytes else {
                throw invalidKey
            }
            return key
        }
        if let key = try authorization(request, scheme: "bearer") { return key }
        if let encoded = try authorization(request, scheme: "basic") {
            guard let bytes = Base64URL.decode(urlSafe(encoded)) else { throw invalidKey }
            let user = bytes.prefix { $0 != UInt8(ascii: ":") }
            guard !user.isEmpty else { throw invalidKey }
            return String(decoding: user, as: UTF8.self)
        }
        throw missing("Send an API key as 'Authorization: Bearer …' or 'X-Grapevine-Key'.")
    }

    static let invalidKey = Problem.unauthorized(
        "invalid_key", "This API key does not exist or was revoked.")

    static let invalidToken = Problem.unauthorized(
        "invalid_token", "This token is not valid, or no longer.")

    static func missing(_ detail: String) -> Problem {
        .unauthorized("credential_missing", detail)
    }

    /// Nil when the header is absent or of another scheme.
    private static func authorization(
        _ request: HTTPRequest, scheme: String
    ) throws(Problem) -> String? {
        let values = request.headers.values("Authorization")
        guard let value = values.first else { return nil }
        guard values.count == 1, value.utf8.count <= maximumBytes else { throw invalidToken }
        guard let space = value.firstIndex(of: " "),
            HTTPHeaders.isSameName(String(value[..<space]), scheme)
        else { return nil }
        let text = value[space...].drop { $0 == " " }
        guard !text.isEmpty else { return nil }
        return String(text)
    }

    /// Standard base64 as Base64URL writes it: other alphabet, no padding.
    private static func urlSafe(_ text: String) -> String {
        var end = text.utf8.endIndex
        var padding = 0
        while end > text.utf8.startIndex, padding < 2 {
            let before = text.utf8.index(before: end)
            guard text.utf8[before] == UInt8(ascii: "=") else { break }
            end = before
            padding += 1
        }
        let bytes = text.utf8[..<end].map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Adds `WWW-Authenticate` to every 401 of an audience.
struct ChallengeMiddleware: Middleware {
    let realm: String

    func respond(
        to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        do {
            return try await next(request)
        } catch let problem as Problem where problem.status == 401 {
            var response = HTTPResponse.problem(problem, requestID: request.context.requestID)
            let error = problem.code == "credential_missing" ? "" : ", error=\"invalid_token\""
            response.headers.add("WWW-Authenticate", "Bearer realm=\"\(realm)\"\(error)")
            return response
        }
    }
}
