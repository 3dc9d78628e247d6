/// The request methods that the server routes and the client sends.
package enum HTTPMethod: String, Sendable, Hashable, CaseIterable, Comparable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"

    /// Whether a repeat has the same effect as one request (RFC 9110 §9.2.2).
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options: true
        case .post, .patch: false
        }
    }

    /// Whether a request of this method usually carries a body.
    package var hasBody: Bool {
        switch self {
        case .post, .put, .patch: true
        case .get, .head, .delete, .options: false
        }
    }

    /// In the order of their names, for stable `Allow` lists.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
