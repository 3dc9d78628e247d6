/// The wire form of a problem, `application/problem+json`.
package struct ProblemDocument: Sendable, Codable, Hashable {
    package let type: String
    package let title: String
    package let status: Int
    package let detail: String
    package let code: String
    /// Repeats `detail` for clients that look for a `message`.
    package let message: String
    package let requestID: String?
    package let errors: [Problem.FieldError]

    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, code, message, errors
        case requestID = "request_id"
    }

    package init(_ problem: Problem, requestID: String?) {
        type = "about:blank"
        title = Self.title(of: problem.status)
        status = problem.status
        detail = problem.detail
        code = problem.code
        message = problem.detail
        self.requestID = requestID
        errors = problem.errors
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decodeIfPresent(String.self, forKey: .type) ?? "about:blank"
        title = try container.decodeIfPresent(String.self, forKey: .title) ?? ""
        status = try container.decode(Int.self, forKey: .status)
        detail = try container.decodeIfPresent(String.self, forKey: .detail) ?? ""
        code = try container.decodeIfPresent(String.self, forKey: .code) ?? "unknown"
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        requestID = try container.decodeIfPresent(String.self, forKey: .requestID)
        errors = try container.decodeIfPresent([Problem.FieldError].self, forKey: .errors) ?? []
    }

    /// The reason phrase of RFC 9110 for the statuses that we use.
    package static func title(of status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: status < 500 ? "Client Error" : "Server Error"
        }
    }
}
