import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

/// What the library refuses by itself, before or while it asks us.
@Suite struct LibraryRefusalTests {
    struct Offence: Sendable, CustomTestStringConvertible {
        let name: String
        let status: Int
        let text: String
        var testDescription: String { name }
    }

    private static let chunked =
        "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func long(_ count: Int) -> String { String(repeating: "a", count: count) }

    static let offences: [Offence] = [
        Offence(
            name: "a target beyond our limit", status: 414,
            text: "GET /\(long(9_000)) HTTP/1.1\r\nHost: a\r\n\r\n"),
        Offence(
            name: "a target beyond the library's memory", status: 414,
            text: "GET /\(long(60_000)) HTTP/1.1\r\nHost: a\r\n\r\n"),
        Offence(name: "a target without an end", status: 414, text: "GET /\(long(200_000))"),
        Offence(
            name: "a header beyond our limit", status: 431,
            text: "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: \(long(17_000))\r\n\r\n"),
        Offence(
            name: "a header beyond the library's memory", status: 431,
            text: "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: \(long(60_000))\r\n\r\n"),
        Offence(
            name: "a header without an end", status: 431,
            text: "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: \(long(200_000))"),
        Offence(
            name: "ten thousand headers", status: 431,
            text: "GET /hello HTTP/1.1\r\nHost: a\r\n"
                + String(repeating: "X: 1\r\n", count: 10_000) + "\r\n"),
        Offence(
            name: "a length that is no number", status: 400,
            text: "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n"),
        Offence(
            name: "an empty length", status: 400,
            text: "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
        Offence(
            name: "a length beyond 64 bits", status: 413,
            text: "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        Offence(name: "a chunk size that is no number", status: 400, text: chunked + "zz\r\nab"),
        Offence(name: "an empty chunk size", status: 400, text: chunked + "\r\nab\r\n0\r\n\r\n"),
        Offence(
            name: "a chunk size beyond 64 bits", status: 413,
            text: chunked + "FFFFFFFFFFFFFFFFF\r\nab"),
        Offence(
            name: "a chunk longer than its size", status: 400,
            text: chunked + "1\r\nabc\r\n0\r\n\r\n"),
        Offence(
            name: "a trailer without a colon", status: 400,
            text: chunked + "1\r\na\r\n0\r\nnonsense\r\n\r\n"),
        Offence(
            name: "a trailer beyond the library's memory", status: 431,
            text: chunked + "1\r\na\r\n0\r\nX-A: \(long(60_000))\r\n\r\n"),
        Offence(name: "no Host", status: 400, text: "GET /hello HTTP/1.1\r\n\r\n"),
        Offence(
            name: "version 9", status: 505, text: "GET /hello HTTP/9.9\r\nHost: a\r\n\r\n"),
        Offence(
            name: "version 2", status: 505, text: "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n"),
        Offence(
            name: "version 0", status: 505, text: "GET /hello HTTP/0.9\r\nHost: a\r\n\r\n"),
        Offence(name: "no version", status: 400, text: "GET /hello\r\n\r\n"),
        Offence(
            name: "a version that is none", status: 400,
            text: "GET /hello HTTQ/1.1\r\nHost: a\r\n\r\n"),
    ]

    @Test(arguments: offences)
    func `what the library refuses is a problem document too`(offence: Offence) async throws {
        let probe = ServerProbe()
        try await withServer(probe: probe, routes: standardRoutes) { port in
            let (answer, isClosed) = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(offence.text, mayFail: true)
                let answer = try connection.readResponse()
                return (answer, try connection.isClosed())
            }
            try expectProblem(answer, status: offence.status)
            #expect(isClosed)
            try await request(port, "GET", "/hello").expect(200)
        }
        #expect(probe.lines.contains { $0.contains(#""status":\#(offence.status)"#) })
    }

    @Test func `a line that is no request ends the connection without a word`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let bytes = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send("nonsense\r\nHost: a\r\n\r\n", mayFail: true)
                return try connection.readToEnd()
            }
            #expect(bytes.isEmpty)
            try await request(port, "GET", "/hello").expect(200)
        }
    }

    @Test func `a refusal comes after the answers before it`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let (first, second) = try await onThread {
                let connection = try RawConnection(port: port)
                let bad = "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n"
                try connection.send(message("GET", "/later") + bad, mayFail: true)
                return (try connection.readResponse(), try connection.readResponse())
            }
            first.expect(200)
            try expectProblem(second, status: 400)
        }
    }

    @Test func `a refusal that the library sends is counted`() async throws {
        let probe = ServerProbe()
        try await withServer(probe: probe, routes: standardRoutes) { port in
            _ = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send("GET /\(Self.long(60_000))", mayFail: true)
                return try connection.readToEnd()
            }
        }
        #expect(
            probe.metrics.render().contains(
                #"grapevine_http_requests_total{audience="none",route="unmatched","#
                    + #"method="other",status="414"} 1"#))
    }
}

/// Records an issue when an answer is not a problem document of that status, or says less than one.
func expectProblem(
    _ answer: RawResponse, status: Int, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(answer["Content-Type"] == "application/problem+json", sourceLocation: sourceLocation)
    let document = try JSONDecoder().decode(ProblemDocument.self, from: Data(answer.body))
    #expect(document.status == status, sourceLocation: sourceLocation)
    #expect(!document.detail.isEmpty && document.code != "unknown", sourceLocation: sourceLocation)
    #expect(document.requestID == answer["X-Request-Id"], sourceLocation: sourceLocation)
    #expect(document.requestID != nil, sourceLocation: sourceLocation)
}
