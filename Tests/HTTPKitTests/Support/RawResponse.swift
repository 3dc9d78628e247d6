import Foundation
import Glibc
import TestKit
import Testing

extension RawConnection {
    /// The next answer; bodies by length or chunked.
    func readResponse(toHead: Bool = false) throws -> RawResponse {
        try read { try RawResponse.parse($0, isHead: toHead) }
    }
}

/// An answer as it came.
struct RawResponse {
    var status = 0
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    /// Records an issue for another status.
    func expect(_ status: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(self.status == status, "\(text)", sourceLocation: sourceLocation)
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The response at the start of the bytes and how many it takes; nil when it is not complete.
    static func parse(_ bytes: [UInt8], isHead: Bool) throws -> (RawResponse, Int)? {
        let end = Array("\r\n\r\n".utf8)
        guard let headEnd = bytes.firstRange(of: end)?.lowerBound else { return nil }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        var response = RawResponse()
        response.status =
            lines.first.flatMap { $0.split(separator: " ").dropFirst().first }
            .flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            response.headers.append(
                (String(parts[0]), parts.last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "")
            )
        }
        let start = headEnd + 4
        if isHead || response.status < 200 || response.status == 204 { return (response, start) }
        if response["Transfer-Encoding"] == "chunked" {
            guard let (body, next) = chunks(bytes, from: start) else { return nil }
            response.body = body
            return (response, next)
        }
        let length = response["Content-Length"].flatMap { Int($0) } ?? 0
        guard bytes.count >= start + length else { return nil }
        response.body = Array(bytes[start..<start + length])
        return (response, start + length)
    }

    private static func chunks(_ bytes: [UInt8], from start: Int) -> ([UInt8], Int)? {
        var body: [UInt8] = []
        var index = start
        while true {
            guard let lineEnd = bytes[index...].firstRange(of: Array("\r\n".utf8)),
                let size = Int(
                    String(decoding: bytes[index..<lineEnd.lowerBound], as: UTF8.self), radix: 16)
            else { return nil }
            let next = lineEnd.upperBound + size + 2
            guard bytes.count >= next else { return nil }
            body += bytes[lineEnd.upperBound..<lineEnd.upperBound + size]
            index = next
            if size == 0 { return (body, index) }
        }
    }
}

/// Paces a client that means to be slow.
func usleepMilliseconds(_ count: UInt32) { usleep(count * 1000) }
