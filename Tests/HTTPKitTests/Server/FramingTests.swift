import HTTPKit
import Kernel
import TestKit
import Testing

/// Requests that two parsers could read differently, sent as raw bytes.
@Suite struct FramingTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        let name: String
        let lines: [String]
        var body = ""
        var testDescription: String { name }
    }

    static let refusals: [Refusal] = [
        Refusal(name: "no Host", lines: ["GET /hello HTTP/1.1"]),
        Refusal(name: "two Hosts", lines: ["GET /hello HTTP/1.1", "Host: a", "Host: b"]),
        Refusal(name: "the same Host twice", lines: ["GET /hello HTTP/1.1", "Host: a", "hOST: a"]),
        Refusal(name: "a Host with a path", lines: ["GET /hello HTTP/1.1", "Host: a/b"]),
        Refusal(
            name: "two lengths",
            lines: ["POST /size HTTP/1.1", "Host: a", "Content-Length: 2", "Content-Length: 3"],
            body: "abc"),
        Refusal(
            name: "the same length twice",
            lines: ["POST /size HTTP/1.1", "Host: a", "Content-Length: 2", "Content-Length: 2"],
            body: "ab"),
        Refusal(
            name: "a list of lengths",
            lines: ["POST /size HTTP/1.1", "Host: a", "Content-Length: 2, 2"], body: "ab"),
        Refusal(
            name: "a length with a sign",
            lines: ["POST /size HTTP/1.1", "Host: a", "Content-Length: +2"], body: "ab"),
        Refusal(
            name: "a negative length",
            lines: ["POST /size HTTP/1.1", "Host: a", "Content-Length: -2"], body: "ab"),
        Refusal(
            name: "a length in hexadecimal",
            lines: ["POST /size HTTP/1.1", "Host: a", "Content-Length: 0x2"], body: "ab"),
        Refusal(
            name: "length beside chunked",
            lines: [
                "POST /size HTTP/1.1", "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked",
            ], body: "0\r\n\r\n"),
        Refusal(
            name: "chunked beside length",
            lines: [
                "POST /size HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Content-Length: 5",
            ], body: "0\r\n\r\n"),
        Refusal(
            name: "chunked twice",
            lines: [
                "POST /size HTTP/1.1", "Host: a", "Transfer-Encoding: chunked",
                "Transfer-Encoding: chunked",
            ], body: "0\r\n\r\n"),
        Refusal(
            name: "an unknown transfer coding",
            lines: ["POST /size HTTP/1.1", "Host: a", "Transfer-Encoding: xchunked"],
            body: "0\r\n\r\n"),
        Refusal(
            name: "gzip as transfer coding",
            lines: ["POST /size HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"],
            body: "0\r\n\r\n"),
        Refusal(
            name: "identity as transfer coding",
            lines: ["POST /size HTTP/1.1", "Host: a", "Transfer-Encoding: identity"]),
        Refusal(
            name: "chunked in HTTP/1.0",
            lines: ["POST /size HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"],
            body: "0\r\n\r\n"),
        Refusal(
            name: "white space before the colon of a length",
            lines: ["POST /size HTTP/1.1", "Host: a", "Content-Length : 2"], body: "ab"),
        Refusal(
            name: "white space before the colon of any header",
            lines: ["GET /hello HTTP/1.1", "Host: a", "X-Any\t: 2"]),
        Refusal(
            name: "a space in a name", lines: ["GET /hello HTTP/1.1", "Host: a", "X Any: 2"]),
        Refusal(
            name: "a carriage return in a value",
            lines: ["GET /hello HTTP/1.1", "Host: a", "X-Any: a\rb"]),
        Refusal(name: "a space in the target", lines: ["GET /hel lo HTTP/1.1", "Host: a"]),
        Refusal(
            name: "a control character in the target", lines: ["GET /a\u{7}b HTTP/1.1", "Host: a"]),
        Refusal(name: "raw UTF-8 in the target", lines: ["GET /ü HTTP/1.1", "Host: a"]),
        Refusal(
            name: "a header line without a colon",
            lines: ["GET /hello HTTP/1.1", "Host: a", "nonsense"]),
    ]

    @Test(arguments: refusals)
    func `an ambiguous request is refused and the connection closed`(
        refusal: Refusal
    ) async throws {
        let probe = ServerProbe()
        try await withServer(probe: probe, routes: standardRoutes) { port in
            let bytes = try await onThread {
                let connection = try RawConnection(port: port)
                // What a smuggler would hide behind the first request.
                let hidden = "GET /hello HTTP/1.1\r\nHost: hidden\r\n\r\n"
                try connection.send(
                    refusal.lines.joined(separator: "\r\n") + "\r\n\r\n" + refusal.body + hidden,
                    mayFail: true)
                return try connection.readToEnd()
            }
            let answer = String(decoding: bytes, as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 400 ") || answer.hasPrefix("HTTP/1.0 400 "))
            let parsed = try #require(try RawResponse.parse(bytes, isHead: false))
            try expectProblem(parsed.0, status: 400)
            #expect(parsed.1 == bytes.count, "something follows the refusal")
            #expect(!answer.contains(#""name":"world""#), "the hidden request was answered")
        }
        #expect(!probe.lines.contains { $0.contains(#""route":"/hello","status":200"#) })
    }

    struct Curiosity: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        var testDescription: String { name }
    }

    static let curiosities: [Curiosity] = [
        Curiosity(name: "NUL in the target", text: "GET /hello\0x HTTP/1.1\r\nHost: a\r\n\r\n"),
        Curiosity(name: "NUL in a name", text: "GET /hello HTTP/1.1\r\nHost: a\r\nX\0Y: 1\r\n\r\n"),
        Curiosity(
            name: "NUL in a value", text: "GET /hello HTTP/1.1\r\nHost: a\r\nX: 1\0\r\n\r\n"),
        Curiosity(
            name: "NUL hides a second Host",
            text: "GET /hello HTTP/1.1\r\nHost: a\r\nX: 1\0\r\nHost: b\r\n\r\n"),
        Curiosity(
            name: "a folded header", text: "GET /hello HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n"),
        Curiosity(
            name: "a folded Content-Length",
            text: "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 2\r\n\r\nab"),
        Curiosity(
            name: "a fold right after the request line",
            text: "GET /hello HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n"),
        Curiosity(name: "bare line feeds", text: "GET /hello HTTP/1.1\nHost: a\n\n"),
        Curiosity(
            name: "bare line feeds between headers",
            text: "GET /hello HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n"),
        Curiosity(
            name: "bare line feeds in chunks",
            text: "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n"
        ),
        Curiosity(
            name: "a chunk size that is no number",
            text: "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"),
        Curiosity(
            name: "a chunk size beyond 64 bits",
            text:
                "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "FFFFFFFFFFFFFFFFF\r\nab"),
        Curiosity(
            name: "a chunk longer than its size",
            text:
                "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "1\r\nabc\r\n0\r\n\r\n"),
        Curiosity(name: "no version", text: "GET /hello\r\n\r\n"),
        Curiosity(name: "another protocol", text: "HELO example.org\r\n\r\n"),
        Curiosity(name: "version 9", text: "GET /hello HTTP/9.9\r\nHost: a\r\n\r\n"),
        Curiosity(name: "HTTP/2 without asking", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Curiosity(
            name: "a length beyond 64 bits",
            text: "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        Curiosity(
            name: "a header without a name", text: "GET /hello HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
        Curiosity(
            name: "empty lines first", text: "\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
        Curiosity(name: "an unknown method", text: "BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
        Curiosity(name: "a tunnel", text: "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Curiosity(
            name: "an absolute target", text: "GET http://a/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
        Curiosity(name: "an asterisk", text: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        Curiosity(name: "TLS", text: "\u{16}\u{03}\u{01}\u{02}\0\u{01}\0\u{01}\r\n\r\n"),
    ]

    @Test(arguments: curiosities)
    func `what the library hides is harmless`(curiosity: Curiosity) async throws {
        try await withServer(
            configure: {
                $0.headerDeadline = .milliseconds(600)
                $0.bodyDeadline = .milliseconds(600)
                $0.idleDeadline = .milliseconds(600)
            }, routes: standardRoutes
        ) { port in
            let bytes = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(curiosity.text, mayFail: true)
                return try connection.readToEnd()
            }
            let answers = String(decoding: bytes, as: UTF8.self).components("\r\nDate: ")
            #expect(answers <= 2, "one request must not become several")
            // And the server goes on serving.
            try await request(port, "GET", "/hello").expect(200)
        }
    }
}

extension String {
    /// How often a text occurs.
    func components(_ text: String) -> Int { ranges(of: text).count }
}
