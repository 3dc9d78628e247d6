package import HTTPKit
import Kernel
package import Testing

extension HTTPClient {
    /// Sends, and records an issue where the exchange is not as the description says.
    package func send(
        _ request: ClientRequest, describedBy document: OpenAPIDocument,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ClientResponse {
        let response = try await send(request)
        for fault in document.faults(of: request, response) {
            Issue.record(
                "\(request.method.rawValue) \(request.url): \(fault)",
                sourceLocation: sourceLocation)
        }
        return response
    }
}

extension OpenAPIDocument {
    /// What an exchange has that the description does not tell of.
    ///
    /// An answer must be one of those that are described. What was sent is looked at when the
    /// service took it: then the description must allow it too.
    package func faults(of request: ClientRequest, _ response: ClientResponse) -> [String] {
        let (path, query) = Self.parts(of: request.url)
        // A service answers HEAD as it does GET, without the body.
        let method: HTTPMethod = request.method == .head ? .get : request.method
        guard let operation = operation(method.rawValue, path) else {
            let isRefused = [401, 404, 405].contains(response.status)
            return isRefused ? [] : ["the operation is not described"]
        }
        var found = faults(
            ofAnswer: response, to: operation, isHead: request.method == .head)
        guard (200..<300).contains(response.status) else { return found }
        found += faults(ofQuery: query, of: operation)
        // A batch is taken as far as its parts are good.
        guard response.status != 202 || Self.isTakenWhole(response) else { return found }
        if let body = request.body, !body.isEmpty, !request.headers.contains("Content-Encoding") {
            found += faults(ofBody: body, of: operation)
        }
        return found
    }

    private static func isTakenWhole(_ response: ClientResponse) -> Bool {
        let answer = try? JSONCoding.parse(response.body)
        return answer?["rejected"].map { $0.integer == 0 } ?? true
    }

    private func faults(
        ofAnswer response: ClientResponse, to operation: Operation, isHead: Bool
    ) -> [String] {
        guard
            let written = operation.responses[String(response.status)]
                ?? operation.responses["default"]
        else { return ["\(response.status) is not described"] }
        let isDescribed = operation.responses[String(response.status)] != nil
        guard isDescribed || response.status >= 400 else {
            return ["\(response.status) is not described"]
        }
        let content = resolved(written)["content"]?.object ?? [:]
        guard !response.body.isEmpty else {
            return isHead || content.isEmpty ? [] : ["\(response.status) came without its body"]
        }
        let type = Self.mediaType(response.headers["Content-Type"])
        guard let schema = content[type]?["schema"] else {
            return ["\(response.status) with \(type) is not described"]
        }
        guard type.hasSuffix("json") else { return [] }
        guard let body = try? JSONCoding.parse(response.body) else { return ["is no JSON"] }
        return SchemaCheck(self).faults(of: body, as: schema).map { "answer\($0)" }
    }

    private func faults(ofBody body: [UInt8], of operation: Operation) -> [String] {
        let content = operation.value["requestBody"]?["content"]?.object ?? [:]
        guard let schema = content["application/json"]?["schema"] else {
            return ["a body is not described"]
        }
        guard let value = try? JSONCoding.parse(body) else { return ["the body is no JSON"] }
        return SchemaCheck(self).faults(of: value, as: schema).map { "body\($0)" }
    }

    private func faults(ofQuery names: [Substring], of operation: Operation) -> [String] {
        let described = parameters(of: operation, in: "query").compactMap { $0["name"]?.string }
        return names.filter { !described.contains(String($0)) }.map { "?\($0) is not described" }
    }

    /// The operation of the template that fits best: the one with most words that are given.
    private func operation(_ method: String, _ path: Substring) -> Operation? {
        let words = path.split(separator: "/")
        return operations.filter { operation in
            let template = operation.path.split(separator: "/")
            return operation.method == method && template.count == words.count
                && zip(template, words).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
        }.min { Self.openWords($0) < Self.openWords($1) }
    }

    private static func openWords(_ operation: Operation) -> Int {
        operation.path.count { $0 == "{" }
    }

    /// The path and the names in the query.
    private static func parts(of url: String) -> (path: Substring, query: [Substring]) {
        let authority = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let target = authority[(authority.firstIndex(of: "/") ?? authority.endIndex)...]
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = halves.dropFirst().first ?? ""
        let names = query.split(separator: "&").compactMap { $0.split(separator: "=").first }
        return (halves.first ?? "", names)
    }

    private static func mediaType(_ header: String?) -> String {
        String((header ?? "").prefix { $0 != ";" })
    }
}
