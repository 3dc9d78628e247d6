import Contracts
import Glibc
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// A service as small as one can be, with one of everything.
struct SampleService: Service {
    struct Configuration: ServiceConfiguration {
        var greeting: String
        /// Called by the background task at its end.
        var onEnd: @Sendable () -> Void = {}
        /// Called when a slow request is under way.
        var onSlow: @Sendable () -> Void = {}

        init(greeting: String) { self.greeting = greeting }

        init(_ environment: inout EnvironmentReader) {
            greeting = environment.string(
                "GRAPEVINE_GREETING", default: "hello", "what the sample says")
        }
    }

    static let name = ServiceName.notification
    static let summary = "Says hello."
    static let crashPoints = [CrashPoint("notification.greet", .beforeCommit)]
    static let migrations = [
        Migration(
            component: "notification", version: 1, name: "greeting",
            sql: "create table greeting (text text primary key)")
    ]
    static var commands: [ServiceCommand<SampleService>] {
        [
            ServiceCommand("greet", "print the greeting") { service, _, arguments in
                print(service.configuration.greeting, arguments.joined(separator: " "))
            }
        ]
    }

    let configuration: Configuration
    let context: ServiceContext

    init(_ configuration: Configuration, _ context: ServiceContext) async throws {
        self.configuration = configuration
        self.context = context
    }

    func routes(_ router: inout Router) {
        router.group(context.audiences.public) { routes in
            routes.get("/greeting") { _, _ in
                _ = try await context.postgres.query("select 1")
                return .text(configuration.greeting)
            }
            routes.get("/slow") { _, _ in
                configuration.onSlow()
                try await Task.sleep(for: .milliseconds(300))
                return .text("done")
            }
        }
        router.group(context.audiences.portal) { routes in
            routes.get("/greeting") { _, _ in .text(configuration.greeting) }
        }
    }

    func background() -> [BackgroundTask] {
        [
            BackgroundTask("sample") {
                // As an operator would, once it runs.
                if configuration.greeting == "terminate" { kill(getpid(), SIGTERM) }
                while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
                configuration.onEnd()
            }
        ]
    }

    func readiness() -> [ReadinessCheck] {
        [ReadinessCheck("sample") { .ready }]
    }
}
