import Kernel

/// Which encodings a request has and which its sender accepts.
enum ContentEncoding {
    /// How a request body is packed; nil when it is not. Throws 415 for encodings we do not know.
    static func format(of headers: HTTPHeaders) throws(Problem) -> Gzip.Format? {
        let values = headers.values("Content-Encoding")
        guard let value = values.first else { return nil }
        switch values.count == 1 ? value.lowercased() : "" {
        case "identity": return nil
        case "gzip", "x-gzip": return .gzip
        case "deflate": return .zlib
        default:
            throw Problem(
                status: 415, code: "unsupported_content_encoding",
                detail: "Send the body plain or with Content-Encoding gzip or deflate.")
        }
    }

    /// Unpacks a request body. Throws 400 `malformed_encoding` and 413.
    static func unpack(
        _ body: [UInt8], _ format: Gzip.Format, limitBytes: Int
    ) throws(Problem) -> [UInt8] {
        do throws(Gzip.Failure) {
            return try Gzip.unpack(body, format: format, limitBytes: limitBytes)
        } catch {
            switch error {
            case .tooLarge: throw .bodyTooLarge(limitBytes: limitBytes)
            case .outOfMemory: throw .unavailable()
            case .malformed:
                throw .badRequest(
                    "malformed_encoding", "The body is not what its Content-Encoding says.")
            }
        }
    }

    /// Whether `Accept-Encoding` allows gzip (RFC 9110 §12.5.3).
    static func acceptsGzip(_ headers: HTTPHeaders) -> Bool {
        guard let header = headers["Accept-Encoding"] else { return false }
        var wildcard = false
        for part in header.lowercased().split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = pieces.first else { continue }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
            let isWanted = weight.flatMap { Double($0) }.map { $0 > 0 } ?? true
            if name == "gzip" { return isWanted }
            if name == "*" { wildcard = isWanted }
        }
        return wildcard
    }

    /// Whether packing a body of this type usually pays.
    static func isCompressible(_ contentType: String?) -> Bool {
        guard let contentType else { return false }
        return contentType.hasPrefix("application/json") || contentType.hasPrefix("text/")
            || contentType.hasPrefix("application/problem+json")
            || contentType.hasPrefix("application/javascript")
            || contentType.hasPrefix("image/svg+xml")
    }
}

extension Problem {
    /// 413, naming the limit.
    static func bodyTooLarge(limitBytes: Int) -> Problem {
        Problem(
            status: 413, code: "body_too_large",
            detail: "The body may have at most \(limitBytes) bytes.")
    }
}
