import HTTPKit
import Kernel

/// What came back for one call, whatever its status.
struct Answer: Sendable, CustomStringConvertible {
    /// What was asked, for failures.
    let call: String
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]
    /// The body, when it is JSON.
    let document: JSONValue?

    init(call: String, _ response: ClientResponse) {
        self.call = call
        status = response.status
        headers = response.headers
        body = response.body
        document = try? JSONCoding.parse(response.body)
    }

    var text: String { String(decoding: body, as: UTF8.self) }
    var code: String? { document?["code"]?.string }
    var description: String { "\(call): \(status) \(text.prefix(500))" }

    subscript(path: String) -> JSONValue? { document?.at(path) }

    /// The text at a path. Throws with the whole answer when there is none.
    func string(_ path: String) throws -> String {
        guard let text = document?.at(path)?.string else {
            throw UnexpectedAnswer(answer: self, wanted: "a text at \(path)")
        }
        return text
    }

    /// The answer itself when it has this status. Throws with the whole answer otherwise.
    @discardableResult
    func expecting(_ statuses: Int...) throws -> Answer {
        guard statuses.contains(status) else {
            throw UnexpectedAnswer(answer: self, wanted: "status \(statuses)")
        }
        return self
    }

    /// Whether it is a problem document as DESIGN §6 has it, with the request's id.
    var isProblemDocument: Bool {
        guard let type = headers["Content-Type"], type.hasPrefix("application/problem+json"),
            let document
        else { return false }
        let texts = ["type", "title", "detail", "code", "message", "request_id"]
        return texts.allSatisfy { document[$0]?.string?.isEmpty == false }
            && document["status"]?.integer == status
            && document["detail"] == document["message"]
    }

    /// Whether sending the same again is what the answer asks for.
    var asksToRepeat: Bool {
        status >= 500 || status == 429 || (status == 409 && headers.contains("Retry-After"))
    }
}

/// An answer that the test did not want.
struct UnexpectedAnswer: Error, CustomStringConvertible {
    let answer: Answer
    let wanted: String

    var description: String { "wanted \(wanted), got \(answer)" }
}
