import HTTPKit
import Kernel
import SecurityKit

/// Where an API key may be when no header has it: beacons and other people's clients cannot always
/// set one.
package struct KeyPlaces: Sendable {
    /// Reads a body after unpacking.
    package typealias BodyReader = @Sendable (_ body: [UInt8]) -> String?

    private let query: [String]
    private let path: String?
    private let body: BodyReader?

    /// Headers only.
    package static let headers = KeyPlaces()

    /// - Parameters:
    ///   - query: names of parameters; publishable keys only.
    ///   - path: the name of a path parameter; publishable keys only.
    ///   - body: finds the key in a body; nil when there is none.
    package init(query: [String] = [], path: String? = nil, body: BodyReader? = nil) {
        self.query = query
        self.path = path
        self.body = body
    }

    /// The key of a request, from its headers first. Throws 401 when there is none, and 403 for a
    /// secret key in an address, where logs and histories keep it.
    func key(of request: HTTPRequest) throws(Problem) -> String {
        let missing: Problem
        do throws(Problem) {
            return try Credentials.apiKey(request)
        } catch {
            guard error.code == "credential_missing" else { throw error }
            missing = error
        }
        if let key = addressed(request) {
            guard APIKeySecret(parsing: key)?.kind != .secret else {
                throw .forbidden(
                    "secret_key_in_address",
                    "Addresses end up in logs. Send a secret key as 'Authorization: Bearer …'.")
            }
            return key
        }
        guard let key = body?(request.body), key.utf8.count <= Credentials.maximumBytes else {
            throw missing
        }
        return key
    }

    private func addressed(_ request: HTTPRequest) -> String? {
        if let path, let key = request.pathParameters[path] { return key }
        return query.lazy.compactMap { request.query[$0] }.first { !$0.isEmpty }
    }
}
