import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

@Suite(.timeLimit(.minutes(3))) struct MailClientTests {
    private func server(_ sink: TestMailSink, _ scheme: String = "smtp") throws -> MailServer {
        try #require(MailServer(url: "\(scheme)://127.0.0.1:\(sink.port)"))
    }

    private func message(
        _ text: String = "Hello", to: String = "ada@people.example"
    ) -> MailMessage {
        MailMessage(
            from: "hello@shop.example", to: to,
            bytes: Array("Subject: Test\r\nMessage-ID: <1@shop.example>\r\n\r\n\(text)\r\n".utf8))
    }

    private func send(
        _ message: MailMessage, by server: MailServer, within limit: Duration = .seconds(10)
    ) async -> MailOutcome {
        let client = MailClient(server, world: World())
        let outcome = await client.send(message, deadline: limit)
        await client.shutdown()
        return outcome
    }

    @Test func `a message arrives as it is, lone dots and all`() async throws {
        try await TestMailSink.with { sink in
            let text = ".\r\n..\r\n.leading\r\nend"
            let outcome = await send(message(text), by: try server(sink))
            #expect(outcome == .accepted)
            let arrived = try #require(sink.messages.first)
            let written = String(decoding: arrived, as: UTF8.self)
            #expect(written.contains("X-Envelope-From: hello@shop.example"))
            #expect(written.contains("X-Envelope-To: ada@people.example"))
            #expect(written.hasSuffix("\r\n\r\n\(text)\r\n"))
        }
    }

    @Test func `many messages share a few connections and all arrive`() async throws {
        try await TestMailSink.with { sink in
            let metrics = Metrics()
            var limits = MailClient.Limits()
            limits.connections = 4
            let client = MailClient(
                try server(sink), limits: limits,
                world: World(telemetry: Telemetry(metrics: metrics)))
            let outcomes = await withTaskGroup(of: MailOutcome.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        await client.send(message("Number \(number)"), deadline: .seconds(30))
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == .accepted }.count == 100)
            let texts = Set(sink.messages.map { String(decoding: $0, as: UTF8.self) })
            #expect(texts.count == 100)
            #expect(
                metrics.render().contains("grapevine_mail_attempts_total{result=\"accepted\"} 100"))
            await client.shutdown()
            #expect(await client.send(message(), deadline: .seconds(1)) == .notSent(.shutDown))
        }
    }

    @Test(arguments: [
        (451, "rcpt", false), (550, "rcpt", true), (452, "data", false), (554, "data", true),
    ]) func `a server that says no is told with its code`(
        code: Int, place: String, isPermanent: Bool
    ) async throws {
        try await TestMailSink.with(["--fail", "\(code)", "--fail-at", place]) { sink in
            let outcome = await send(message(), by: try server(sink))
            #expect(outcome == .rejected(code: code, isPermanent: isPermanent))
            #expect(sink.messages.isEmpty)
        }
    }

    @Test(arguments: ["before", "after"])
    func `a connection lost after the message leaves the outcome unknown`(
        drop: String
    ) async throws {
        try await TestMailSink.with(["--drop", drop]) { sink in
            let outcome = await send(message(), by: try server(sink))
            #expect(outcome == .unknown(.connectionLost))
            #expect(sink.messages.count == (drop == "after" ? 1 : 0))
        }
    }

    @Test func `a deadline that passes after the message leaves the outcome unknown`()
        async throws
    {
        try await TestMailSink.with(["--delay", "30"]) { sink in
            let outcome = await send(message(), by: try server(sink), within: .seconds(1))
            #expect(outcome == .unknown(.timeout))
        }
    }

    @Test func `nobody there is not sent`() async throws {
        let server = try #require(MailServer(url: "smtp://127.0.0.1:\(FreePort.find())"))
        #expect(await send(message(), by: server) == .notSent(.connectionFailed))
    }

    @Test func `a kept connection that died meanwhile is replaced`() async throws {
        let first = try await TestMailSink.start()
        let client = MailClient(try server(first), world: World())
        #expect(await client.send(message(), deadline: .seconds(10)) == .accepted)
        await first.stop()
        let second = try await TestMailSink.start(port: first.port)
        #expect(await client.send(message(), deadline: .seconds(10)) == .accepted)
        #expect(second.messages.count == 1)
        await client.shutdown()
        await second.stop()
    }

    @Test(arguments: [
        "ada@people.example>\r\nRCPT TO:<eve@people.example", "a b@people.example", "", "@",
        "ada@people.example\n", "äda@people.example",
    ]) func `an address that could be more than an address is not sent`(to: String) async throws {
        try await TestMailSink.with { sink in
            let outcome = await send(message(to: to), by: try server(sink))
            #expect(outcome == .notSent(.invalidMessage))
            #expect(sink.messages.isEmpty)
        }
    }

    @Test(arguments: [
        "http://127.0.0.1:25", "smtp://", "smtp://user:pw@host", "smtp://host:0",
        "smtp://host:99999", "smtp://host/path", "smtp://host:25?x", "127.0.0.1:25",
    ]) func `what is no mail server is not read as one`(url: String) {
        #expect(MailServer(url: url) == nil)
    }
}
