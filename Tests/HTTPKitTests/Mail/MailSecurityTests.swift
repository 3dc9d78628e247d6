import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

/// TLS and login against a server with a certificate of its own.
@Suite(.timeLimit(.minutes(3))) struct MailSecurityTests {
    private let message = MailMessage(
        from: "hello@shop.example", to: "ada@people.example",
        bytes: Array("Subject: Test\r\n\r\nHello\r\n".utf8))

    private func certificate() async throws -> (certificate: String, key: String) {
        let directory = try Repository.scratchDirectory("certificate")
        let (certificate, key) = ("\(directory)/certificate.pem", "\(directory)/key.pem")
        try await Command.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate,
            ])
        return (certificate, key)
    }

    private func send(_ server: MailServer) async -> MailOutcome {
        let client = MailClient(server, world: World())
        let outcome = await client.send(message, deadline: .seconds(10))
        await client.shutdown()
        return outcome
    }

    @Test func `a server without STARTTLS gets nothing when TLS is demanded`() async throws {
        try await TestMailSink.with { sink in
            var server = try #require(MailServer(url: "smtp://127.0.0.1:\(sink.port)"))
            server.security = .startTLS
            #expect(await send(server) == .notSent(.secureConnectionFailed))
            #expect(sink.messages.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `TLS works with a certificate that is trusted, and only with one`(
        fromTheFirstByte: Bool
    ) async throws {
        let files = try await certificate()
        let arguments =
            ["--certificate", files.certificate, "--key", files.key]
            + (fromTheFirstByte ? ["--tls"] : [])
        try await TestMailSink.with(arguments) { sink in
            let scheme = fromTheFirstByte ? "smtps" : "smtp"
            var server = try #require(MailServer(url: "\(scheme)://localhost:\(sink.port)"))
            if !fromTheFirstByte { server.security = .startTLS }
            #expect(await send(server) == .notSent(.secureConnectionFailed))
            #expect(sink.messages.isEmpty)
            server.authoritiesFile = files.certificate
            #expect(await send(server) == .accepted)
            #expect(sink.messages.count == 1)
        }
    }

    @Test func `a wrong password is no fault of the message`() async throws {
        let files = try await certificate()
        let arguments = [
            "--certificate", files.certificate, "--key", files.key, "--user", "grapevine",
            "--password", "right",
        ]
        try await TestMailSink.with(arguments) { sink in
            var server = try #require(MailServer(url: "smtp://localhost:\(sink.port)"))
            server.security = .startTLS
            server.authoritiesFile = files.certificate
            #expect(await send(server) == .notSent(.loginFailed))
            server.credentials = MailServer.Credentials(user: "grapevine", password: "wrong")
            #expect(await send(server) == .notSent(.loginFailed))
            server.credentials = MailServer.Credentials(user: "grapevine", password: "right")
            #expect(await send(server) == .accepted)
            #expect(sink.messages.count == 1)
        }
    }
}
