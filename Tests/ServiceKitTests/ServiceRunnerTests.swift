import Contracts
import Foundation
import Glibc
import HTTPKit
import Kernel
import SecurityKit
import TestKit
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(2))) struct ServiceRunnerTests {
    private static let seed = Base64URL.encode([UInt8](repeating: 7, count: 32))

    private func output(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
    }

    private func complaint(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    @Test func `help lists commands, variables, crash points and routes`() async {
        let text = await ServiceHelp.text(SampleService.self)
        for wanted in [
            "notification-service \(Version.current)", "Says hello.", "greet", "public-key",
            "GRAPEVINE_GREETING (default hello)", "GRAPEVINE_SERVICE_KEY (required, secret)",
            "GRAPEVINE_LISTEN (default 127.0.0.1:8107)", "notification.greet.before_commit",
            "GET /v1/portal/greeting", "GET /readyz",
        ] {
            #expect(text.contains(wanted), "\(wanted)")
        }
    }

    @Test func `an empty environment ends with 78 and names every variable`() async {
        let result = await #expect(
            processExitsWith: .exitCode(78), observing: [\.standardErrorContent]
        ) {
            await ServiceRunner.main(SampleService.self, arguments: ["x"])
        }
        #expect(complaint(result).contains("2 variables are wrong"))
        #expect(complaint(result).contains("GRAPEVINE_SERVICE_KEY: It is not set"))
        #expect(complaint(result).contains("GRAPEVINE_SERVICE_KEYS: It is not set"))
    }

    @Test func `an unknown command ends with 64`() async {
        await #expect(processExitsWith: .exitCode(64)) {
            await ServiceRunner.main(SampleService.self, arguments: ["x", "dance"])
        }
    }

    @Test func `the routes are printed as JSON without any variable or server`() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
        ) {
            await ServiceRunner.main(SampleService.self, arguments: ["x", "--routes"])
        }
        let text = output(result)
        let array = try #require(text.firstIndex(of: "["))
        let end = try #require(text.lastIndex(of: "]"))
        let routes = try JSONCoding.parse(Array(text[array...end].utf8))
        #expect(
            routes.array?.contains([
                "method": "GET", "template": "/v1/portal/greeting", "audience": "portal",
            ]) == true)
        #expect(
            routes.array?.contains([
                "method": "GET", "template": "/healthz", "audience": "public",
            ]) == true)
    }

    @Test func `the public key of the seed is printed`() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
        ) {
            setenv(
                "GRAPEVINE_SERVICE_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc", 1)
            await ServiceRunner.main(SampleService.self, arguments: ["x", "public-key"])
        }
        let key = try Ed25519PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        #expect(Self.seed == "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc")
        #expect(output(result).contains(Base64URL.encode(key.publicKey.bytes) + "\n"))
    }

    @Test func `a service runs until SIGTERM, ends with 0 and leaves its log`() async throws {
        try await TestPostgres.shared().withDatabase { database in
            setenv("DATABASE_OF_TEST", database.url, 1)
            let result = await #expect(
                processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
            ) {
                let environment = ProcessInfo.processInfo.environment
                let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
                setenv("GRAPEVINE_DATABASE_URL", environment["DATABASE_OF_TEST"] ?? "", 1)
                setenv("GRAPEVINE_SERVICE_KEY", key, 1)
                setenv("GRAPEVINE_SERVICE_KEYS", "{}", 1)
                setenv("GRAPEVINE_LISTEN", "127.0.0.1:0", 1)
                setenv("GRAPEVINE_MISSPELT", "x", 1)
                setenv("GRAPEVINE_GREETING", "terminate", 1)
                await ServiceRunner.main(SampleService.self, arguments: ["x"])
            }
            let log = output(result)
            for wanted in [
                "\"service\":\"notification-service\"", "\"message\":\"ready\"",
                "GRAPEVINE_MISSPELT", "\"message\":\"stopped\"",
            ] {
                #expect(log.contains(wanted), "\(wanted)")
            }
        }
    }

    @Test func `SIGTERM ends a service that still waits for its database`() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
            setenv("GRAPEVINE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing", 1)
            setenv("GRAPEVINE_SERVICE_KEY", key, 1)
            setenv("GRAPEVINE_SERVICE_KEYS", "{}", 1)
            Foundation.Thread {
                var now = sigaction()
                while sigaction(SIGTERM, nil, &now) == 0,
                    now.__sigaction_handler.sa_handler == nil
                { usleep(1000) }
                kill(getpid(), SIGTERM)
            }.start()
            await ServiceRunner.main(SampleService.self, arguments: ["x"])
        }
    }

    @Test func `a command gets the wired service and its arguments`() async throws {
        try await TestPostgres.shared().withDatabase { database in
            setenv("DATABASE_OF_COMMAND_TEST", database.url, 1)
            let result = await #expect(
                processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
            ) {
                let environment = ProcessInfo.processInfo.environment
                let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
                setenv("GRAPEVINE_DATABASE_URL", environment["DATABASE_OF_COMMAND_TEST"] ?? "", 1)
                setenv("GRAPEVINE_SERVICE_KEY", key, 1)
                setenv("GRAPEVINE_SERVICE_KEYS", "{}", 1)
                await ServiceRunner.main(SampleService.self, arguments: ["x", "greet", "Ada"])
            }
            #expect(output(result).contains("hello Ada\n"))
        }
    }
}
