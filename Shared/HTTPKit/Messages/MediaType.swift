package import Kernel

/// The few media types that the platform speaks.
package enum MediaType {
    /// What requests and answers are made of.
    package static let json = "application/json"
    /// RFC 9457.
    package static let problem = "application/problem+json"
    /// What a page may send to another origin without a preflight: beacons call JSON so.
    package static let plainText = "text/plain"
    /// Server-sent events.
    package static let eventStream = "text/event-stream"

    /// The type without its parameters, in lower case.
    package static func essence(of contentType: String) -> String {
        let bytes = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }
        let text = String(Substring(bytes))
        let trimmed = text.drop { $0 == " " || $0 == "\t" }
        return trimmed.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined().lowercased()
    }

    /// Whether a `Content-Type` means JSON in UTF-8.
    package static func isJSON(_ contentType: String) -> Bool {
        if contentType == json { return true }
        guard essence(of: contentType) == json else { return false }
        let parameters = contentType.split(separator: ";").dropFirst()
        return parameters.allSatisfy { parameter in
            let text = parameter.lowercased().filter { $0 != " " && $0 != "\t" && $0 != "\"" }
            return !text.hasPrefix("charset=") || text == "charset=utf-8"
        }
    }
}

extension Problem {
    /// 415, naming what is accepted.
    package static func unsupportedMediaType(accepted: [String]) -> Problem {
        Problem(
            status: 415, code: "unsupported_media_type",
            detail: "Send the body as \(accepted.joined(separator: " or ")).")
    }
}
