import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

@Suite struct BodyTests {
    private static func routes(_ router: inout Router) {
        router.group(.open(bodyLimitBytes: 1000)) { group in
            group.post("/size", limits: RouteLimits(contentTypes: [])) { request, _ in
                .text("\(request.body.count)")
            }
            group.post("/large", limits: RouteLimits(bodyLimitBytes: 1 << 20, contentTypes: [])) {
                request, _ in .text("\(request.body.count)")
            }
            group.post("/json") { request, _ in .json(try request.decodeValue()) }
            group.post("/pause", limits: .noBody) { _, _ in .noContent }
            group.get("/answer") { request, _ in
                .text(String(repeating: "a", count: try request.query.integer("n") ?? 0))
            }
        }
    }

    @Test func `a POST without a length gets 411 where a body is needed`() async throws {
        try await withServer(routes: Self.routes) { port in
            try await request(port, "POST", "/json").expect(411)
            try await request(port, "POST", "/pause").expect(204)
        }
    }

    @Test func `a body that is announced too large gets 413 before it is sent`() async throws {
        try await withServer(routes: Self.routes) { port in
            let text = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    message(
                        "POST", "/size",
                        headers: ["Content-Length: 1001", "Expect: 100-continue"]))
                return String(decoding: try connection.readToEnd(), as: UTF8.self)
            }
            #expect(text.hasPrefix("HTTP/1.1 413 "))
            #expect(text.contains(#""code":"body_too_large""#))
        }
    }

    @Test func `a chunked body that grows too large gets 413 at its end`() async throws {
        try await withServer(routes: Self.routes) { port in
            let response = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    message("POST", "/size", headers: ["Transfer-Encoding: chunked"]))
                let chunk = "190\r\n" + String(repeating: "x", count: 400) + "\r\n"
                for _ in 0..<5 { try connection.send(chunk) }
                try connection.send("0\r\n\r\n")
                return try connection.readResponse()
            }
            #expect(response.status == 413)
        }
    }

    @Test func `a chunked body without an end is cut`() async throws {
        try await withServer(routes: Self.routes) { port in
            let sentAll = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    message("POST", "/size", headers: ["Transfer-Encoding: chunked"]))
                let chunk = "10000\r\n" + String(repeating: "x", count: 65536) + "\r\n"
                for _ in 0..<1000 {
                    do { try connection.send(chunk) } catch { return false }
                }
                return true
            }
            #expect(!sentAll)
            try await request(port, "GET", "/answer?n=1").expect(200)
        }
    }

    @Test func `Expect 100-continue is met and others are not`() async throws {
        try await withServer(routes: Self.routes) { port in
            let statuses = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    message(
                        "POST", "/size", headers: ["Content-Length: 3", "Expect: 100-continue"]))
                let first = try connection.readResponse()
                try connection.send("abc")
                return [first.status, try connection.readResponse().status]
            }
            #expect(statuses == [100, 200])
            let other = try await request(
                port, "POST", "/size", headers: ["Expect: 200-maybe"], body: "abc")
            #expect(other.status == 417)
        }
    }

    @Test(arguments: [
        "text/plain", "application/xml", "application/json; charset=latin1", "json",
        "application/json, text/plain",
    ])
    func `a body that is not JSON gets 415`(type: String) async throws {
        try await withServer(routes: Self.routes) { port in
            let response = try await request(
                port, "POST", "/json", headers: ["Content-Type: \(type)"], body: "{}")
            #expect(response.status == 415)
        }
    }

    @Test(arguments: [
        "application/json", "Application/JSON;charset=UTF-8", "application/json; charset=\"utf-8\"",
    ])
    func `JSON may be announced in several ways`(type: String) async throws {
        try await withServer(routes: Self.routes) { port in
            let response = try await request(
                port, "POST", "/json", headers: ["Content-Type: \(type)"], body: "{}")
            #expect(response.status == 200)
        }
    }

    // What Python's gzip and zlib make of {"a":1}.
    private static let gzipped: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xAB, 0x56, 0x4A, 0x54, 0xB2,
        0x32, 0xAC, 0x05, 0x00, 0xAF, 0xAC, 0x1B, 0x56, 0x07, 0x00, 0x00, 0x00,
    ]

    private static func post(
        _ port: UInt16, _ path: String, _ encoding: String, _ body: [UInt8]
    ) async throws -> RawResponse {
        try await onThread {
            let connection = try RawConnection(port: port)
            try connection.send(
                message(
                    "POST", path,
                    headers: [
                        "Content-Encoding: \(encoding)", "Content-Type: application/json",
                        "Content-Length: \(body.count)",
                    ]))
            try connection.send(body)
            return try connection.readResponse()
        }
    }

    @Test func `a gzip body is unpacked`() async throws {
        try await withServer(routes: Self.routes) { port in
            let response = try await Self.post(port, "/json", "gzip", Self.gzipped)
            #expect(response.text == #"{"a":1}"#)
        }
    }

    @Test func `a deflate body is unpacked`() async throws {
        let zlib: [UInt8] = [
            0x78, 0x9C, 0xAB, 0x56, 0x4A, 0x54, 0xB2, 0x32, 0xAC, 0x05, 0x00, 0x08, 0x2A, 0x02,
            0x09,
        ]
        try await withServer(routes: Self.routes) { port in
            let response = try await Self.post(port, "/json", "deflate", zlib)
            #expect(response.text == #"{"a":1}"#)
        }
    }

    @Test func `a body that is packed wrongly or unknown is refused`() async throws {
        try await withServer(routes: Self.routes) { port in
            let cut = Array(Self.gzipped.dropLast(6))
            try await Self.post(port, "/json", "gzip", cut).expect(400)
            let trailing = Self.gzipped + [1, 2, 3]
            try await Self.post(port, "/json", "gzip", trailing).expect(400)
            try await Self.post(port, "/json", "br", [1, 2]).expect(415)
            try await Self.post(port, "/json", "gzip, gzip", Self.gzipped).expect(415)
        }
    }

    @Test func `a small body that unpacks to a huge one gets 413`() async throws {
        try await withServer(routes: Self.routes) { port in
            // A large answer of the server itself, sent back packed.
            let packed = try await request(
                port, "GET", "/answer?n=200000", headers: ["Accept-Encoding: gzip"])
            #expect(packed["Content-Encoding"] == "gzip")
            #expect(packed.body.count < 1000)
            let refused = try await Self.post(port, "/size", "gzip", packed.body)
            #expect(refused.status == 413)
            let accepted = try await Self.post(port, "/large", "gzip", packed.body)
            #expect(accepted.text == "200000")
        }
    }

    @Test func `an answer is packed only when it pays and is wanted`() async throws {
        try await withServer(routes: Self.routes) { port in
            let small = try await request(
                port, "GET", "/answer?n=1000", headers: ["Accept-Encoding: gzip"])
            #expect(small["Content-Encoding"] == nil)
            for refusing in ["Accept-Encoding: gzip;q=0", "Accept-Encoding: br", "X: 1"] {
                let plain = try await request(
                    port, "GET", "/answer?n=2000", headers: [refusing])
                #expect(plain["Content-Encoding"] == nil)
                #expect(plain["Vary"] == "Accept-Encoding")
            }
            let packed = try await request(
                port, "GET", "/answer?n=2000", headers: ["Accept-Encoding: br, gzip;q=0.5"])
            #expect(packed["Content-Encoding"] == "gzip")
        }
    }
}
