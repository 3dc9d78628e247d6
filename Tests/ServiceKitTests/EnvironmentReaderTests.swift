import Contracts
import Foundation
import Kernel
import SecurityKit
import ServiceKit
import Testing

@Suite struct EnvironmentReaderTests {
    private struct Wanted: Error {}

    private func problems(_ environment: EnvironmentReader) -> [ConfigurationError.Problem] {
        do throws(ConfigurationError) {
            try environment.finish()
            return []
        } catch {
            return error.problems
        }
    }

    @Test func `defaults count where nothing is set`() throws {
        var environment = EnvironmentReader(["EMPTY": ""])
        #expect(environment.string("TEXT", default: "a", "text") == "a")
        #expect(environment.integer("EMPTY", default: 7, in: 1...9, "number") == 7)
        #expect(
            environment.duration(
                "TIME", default: .seconds(90), in: .zero ... .seconds(100), "time") == .seconds(90))
        try environment.finish()
        #expect(environment.variables.map(\.defaultText) == ["a", "7", "90s"])
    }

    @Test func `all problems are told at once with name, reason and example`() {
        var environment = EnvironmentReader([
            "NUMBER": "12", "FLAG": "yes", "URL": "ftp://x", "WHERE": "localhost", "TIME": "5",
        ])
        _ = environment.integer("NUMBER", default: 7, in: 1...9, "number")
        _ = environment.boolean("FLAG", default: true, "flag")
        _ = environment.httpURL("URL", default: "http://127.0.0.1:1", "url")
        _ = environment.listenAddress(
            "WHERE", default: ListenAddress(host: "127.0.0.1", port: 1), "address")
        _ = environment.duration(
            "TIME", default: .seconds(1), in: .zero ... .seconds(9), "duration")
        _ = environment.secret("SECRET", example: "<secret>", "secret")
        let found = problems(environment)
        #expect(found.map(\.variable) == ["NUMBER", "FLAG", "URL", "WHERE", "TIME", "SECRET"])
        #expect(found[0].reason.contains("'12'") && found[0].reason.contains("1 to 9"))
        #expect(found[3].example == "127.0.0.1:1")
        #expect(found[5].reason == "It is not set, nor is SECRET_FILE.")
    }

    @Test func `a secret comes from its file without the last line end`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("s3cret \r\n".utf8).write(to: URL(fileURLWithPath: path))
        var environment = EnvironmentReader(["SECRET_FILE": path])
        #expect(environment.secret("SECRET", example: "x", "secret") == "s3cret ")
        try environment.finish()
    }

    @Test func `a secret set twice, or in a file that is not there, is a problem`() {
        var both = EnvironmentReader(["SECRET": "a", "SECRET_FILE": "/tmp/x"])
        _ = both.secret("SECRET", example: "x", "secret")
        #expect(
            problems(both).map(\.reason) == ["It is set and SECRET_FILE too: set only one of them."]
        )
        var absent = EnvironmentReader(["SECRET_FILE": "/does/not/exist"])
        _ = absent.secret("SECRET", example: "x", "secret")
        #expect(problems(absent).map(\.variable) == ["SECRET_FILE"])
    }

    @Test func `a wrong secret is never repeated in the message`() {
        var environment = EnvironmentReader([
            "GRAPEVINE_SERVICE_KEY": "hunter2", "GRAPEVINE_SERVICE_KEYS": "hunter2",
            "GRAPEVINE_DATABASE_URL": "hunter2", "GRAPEVINE_STAFF_SECRET": "hunter2",
        ])
        _ = CommonConfiguration(.client, &environment)
        let found = problems(environment)
        #expect(found.count == 4)
        #expect(!ConfigurationError(problems: found).description.contains("hunter2"))
    }

    @Test func `variables that nobody asked for are found`() {
        var environment = EnvironmentReader([
            "GRAPEVINE_LISTEM": "x", "GRAPEVINE_SERVICE_KEY_FILE": "x", "HOME": "/",
        ])
        _ = CommonConfiguration(.client, &environment)
        #expect(environment.unknownVariables == ["GRAPEVINE_LISTEM"])
    }

    @Test func `the common variables are read`() throws {
        let key = Ed25519PrivateKey.generate()
        let public64 = Base64URL.encode(key.publicKey.bytes)
        var environment = EnvironmentReader([
            "GRAPEVINE_LISTEN": "[::1]:0", "GRAPEVINE_EVENT_URL": "http://event:8103/",
            "GRAPEVINE_SERVICE_KEY": Base64URL.encode([UInt8](repeating: 7, count: 32)),
            "GRAPEVINE_SERVICE_KEYS": "{\"event-service\":\"\(public64)\"}",
            "GRAPEVINE_LOG_LEVEL": "warning",
        ])
        let common = CommonConfiguration(.reward, &environment)
        try environment.finish()
        #expect(common.listen == ListenAddress(host: "::1", port: 0))
        #expect(common.url(of: .event) == "http://event:8103")
        #expect(common.url(of: .client) == "http://127.0.0.1:8101")
        #expect(common.serviceKeys == [.event: key.publicKey])
        #expect(common.logLevel == .warning)
        #expect(common.redisURL == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:80", true), ("[::1]:65535", true), (":80", false), ("127.0.0.1", false),
        ("127.0.0.1:65536", false), ("::1:80", false), ("host:80", false), ("[]:1", false),
        ("1.2.3.4:+1", false),
    ])
    func `an address is numeric and has a port`(text: String, isValid: Bool) {
        #expect((ListenAddress(text) != nil) == isValid)
        if isValid { #expect(ListenAddress(text)?.description == text) }
    }
}
