import HTTPKit
import Kernel
import TestKit
import Testing

/// Somebody who calls with one credential, at the gateway or at a service.
struct Caller: Sendable {
    /// Nobody gave a final answer in time.
    struct NoFinalAnswer: Error, CustomStringConvertible {
        let call: String
        let last: String
        var description: String { "\(call) got no final answer in time; the last one: \(last)" }
    }

    let http: HTTPClient
    let complaints: Complaints
    /// Scheme, host and port.
    let baseURL: String
    /// The bearer token; nil sends none.
    let credential: String?

    /// One call, sent once.
    func send(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, key: String? = nil,
        headers: HTTPHeaders = HTTPHeaders(), within deadline: Duration = .seconds(15)
    ) async throws -> Answer {
        var headers = headers
        if let credential { headers.add("Authorization", "Bearer \(credential)") }
        if let key { headers.add("Idempotency-Key", key) }
        if body != nil { headers.add("Content-Type", "application/json") }
        let response = try await http.send(
            ClientRequest(
                method: method, url: baseURL + path, headers: headers,
                body: try body.map { try JSONCoding.encode($0) }, deadline: deadline,
                retry: .never))
        let answer = Answer(call: "\(method.rawValue) \(path)", response)
        complaints.look(at: answer)
        return answer
    }

    /// One call, sent again as it is, as any careful client does, until there is a final answer:
    /// after a broken connection, a failure of ours, and "in progress".
    func persist(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, key: String? = nil,
        headers: HTTPHeaders = HTTPHeaders(), within limit: Duration = .seconds(60)
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + limit
        var last = ""
        repeat {
            do {
                let answer = try await send(method, path, body, key: key, headers: headers)
                guard answer.asksToRepeat else { return answer }
                last = answer.description
            } catch let error as HTTPClientError where error.isRetryable {
                last = error.debugDescription
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...150)))
        } while ContinuousClock.now < deadline
        throw NoFinalAnswer(call: "\(method.rawValue) \(path)", last: last)
    }

    /// A read, until what comes back is as wanted.
    func wait(
        for what: String, at path: String, within limit: Duration = .seconds(60),
        until condition: (Answer) -> Bool
    ) async throws -> Answer {
        var last: Answer?
        do {
            return try await eventually(what, within: limit) {
                let answer = try await send(.get, path)
                last = answer
                return condition(answer) ? answer : nil
            }
        } catch let error as NotInTime {
            throw ProcessError("\(error)\nThe last answer: \(last.map(\.description) ?? "none")")
        }
    }
}
