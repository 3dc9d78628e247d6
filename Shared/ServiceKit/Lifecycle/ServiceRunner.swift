import Contracts
import Glibc
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit

/// The whole of an executable: `await ServiceRunner.main(ClientService.self)`.
package enum ServiceRunner {
    /// Exit codes as in sysexits.h.
    private enum ExitCode {
        static let success: Int32 = 0
        static let failure: Int32 = 1
        static let usage: Int32 = 64
        static let configuration: Int32 = 78
    }

    /// Does what the arguments say (nothing: serves until SIGTERM or SIGINT) and ends the process.
    package static func main<Owner: Service>(
        _ type: Owner.Type, arguments: [String] = CommandLine.arguments
    ) async -> Never {
        ShutdownSignal.install()
        let words = Array(arguments.dropFirst())
        let code: Int32
        switch words.first {
        case nil, "serve": code = await serve(type)
        case "--help", "-h", "help":
            print(await ServiceHelp.text(type))
            code = ExitCode.success
        case "--version":
            print("\(Owner.name.executableName) \(Version.current)")
            code = ExitCode.success
        case "--crash-points":
            for point in Owner.crashPoints { print(point) }
            code = ExitCode.success
        case "--routes": code = await routes(type)
        case "public-key": code = publicKey()
        case "generate-key":
            print(Base64URL.encode(SecureRandom.bytes(Ed25519PrivateKey.seedByteCount)))
            code = ExitCode.success
        case "migrate": code = await migrate(type)
        case .some(let name):
            if let command = Owner.commands.first(where: { $0.name == name }) {
                code = await run(command, Array(words.dropFirst()))
            } else {
                complain("There is no command '\(name)'. Try --help.")
                code = ExitCode.usage
            }
        }
        end(code)
    }

    /// Ends the process at once. `exit` would run the destructors of C and C++ libraries here while
    /// other threads still use what they destroy, and now and then crash at the very end.
    private static func end(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }

    private static func serve<Owner: Service>(_ type: Owner.Type) async -> Int32 {
        guard let settings = Settings<Owner>.read() else { return ExitCode.configuration }
        let metrics = Metrics()
        let writer = LogWriter(metrics: metrics)
        defer { writer.close() }
        let world = settings.world(writer, metrics)
        let logger = world.telemetry.logger
        for name in settings.unknownVariables {
            logger.warning("unknown variable; misspelt?", [("variable", .text(name))])
        }
        return await withTaskGroup(of: Step<Owner>.self) { group in
            group.addTask {
                do {
                    return .started(
                        try await RunningService<Owner>.start(
                            configuration: settings.own, common: settings.common, world: world))
                } catch {
                    return .failed(String(reflecting: error))
                }
            }
            group.addTask {
                await ShutdownSignal.first()
                return .signalled
            }
            var isSignalled = false
            while let step = await group.next() {
                switch step {
                case .signalled:
                    isSignalled = true
                    group.cancelAll()
                case .failed(let reason):
                    if isSignalled { return ExitCode.success }
                    logger.error("cannot start", [("error", .text(reason))])
                    writer.close()
                    end(ExitCode.failure)
                case .started(let running):
                    if !isSignalled { _ = await group.next() }
                    await running.stop()
                    return ExitCode.success
                }
            }
            return ExitCode.success
        }
    }

    private static func migrate<Owner: Service>(_ type: Owner.Type) async -> Int32 {
        await withResources(type) { _, resources in
            try await SchemaStart.run(type, resources)
            print("The schema is up to date.")
        }
    }

    private static func run<Owner: Service>(
        _ command: ServiceCommand<Owner>, _ arguments: [String]
    ) async -> Int32 {
        await withResources(Owner.self) { settings, resources in
            try await SchemaStart.run(Owner.self, resources)
            let assembly = try await ServiceAssembly<Owner>(settings.own, resources)
            try await command.run(assembly.service, assembly.context, arguments)
        }
    }

    /// Runs `body` with connections, the log on standard error, and what it throws printed there.
    private static func withResources<Owner: Service>(
        _ type: Owner.Type, _ body: (Settings<Owner>, ServiceResources) async throws -> Void
    ) async -> Int32 {
        guard let settings = Settings<Owner>.read() else { return ExitCode.configuration }
        let metrics = Metrics()
        let writer = LogWriter(descriptor: STDERR_FILENO, metrics: metrics)
        defer { writer.close() }
        do {
            let resources = try ServiceResources(
                settings.common, world: settings.world(writer, metrics, least: .warning))
            do {
                try await body(settings, resources)
            } catch {
                await resources.shutdown()
                throw error
            }
            await resources.shutdown()
            return ExitCode.success
        } catch {
            complain((error as? Problem)?.detail ?? String(reflecting: error))
            return ExitCode.failure
        }
    }

    /// Needs neither variables nor servers.
    private static func routes<Owner: Service>(_ type: Owner.Type) async -> Int32 {
        do {
            print(try ServiceRoutes.document(try await ServiceRoutes.list(type)))
            return ExitCode.success
        } catch {
            complain("The routes cannot be listed: \(String(reflecting: error))")
            return ExitCode.failure
        }
    }

    private static func publicKey() -> Int32 {
        var environment = EnvironmentReader()
        let key = environment.serviceKey()
        do throws(ConfigurationError) {
            try environment.finish()
        } catch {
            complain(error.description)
            return ExitCode.configuration
        }
        print(Base64URL.encode(key.publicKey.bytes))
        return ExitCode.success
    }

    static func complain(_ text: String) {
        Array((text + "\n").utf8).withUnsafeBytes { buffer in
            _ = write(STDERR_FILENO, buffer.baseAddress, buffer.count)
        }
    }
}

/// What happens first: the service runs, or it cannot, or somebody ends it.
private enum Step<Owner: Service>: Sendable {
    case started(RunningService<Owner>)
    case failed(String)
    case signalled
}

/// Everything that one service read from the environment.
struct Settings<Owner: Service>: Sendable {
    let common: CommonConfiguration
    let own: Owner.Configuration
    let unknownVariables: [String]

    /// Nil after every problem was printed.
    static func read() -> Settings? {
        var environment = EnvironmentReader()
        do throws(ConfigurationError) {
            return try Settings(&environment)
        } catch {
            let count = error.problems.count
            ServiceRunner.complain(
                "\(Owner.name.executableName) cannot start: "
                    + (count == 1 ? "one variable is wrong." : "\(count) variables are wrong.")
                    + " --help lists all.\n" + error.description)
            return nil
        }
    }

    /// Throws every problem at once.
    init(_ environment: inout EnvironmentReader) throws(ConfigurationError) {
        common = CommonConfiguration(Owner.name, &environment)
        own = Owner.Configuration(&environment)
        try environment.finish()
        unknownVariables = environment.unknownVariables
    }

    func world(_ writer: LogWriter, _ metrics: Metrics, least: Logger.Level? = nil) -> World {
        let clock = SystemClock()
        let logger = Logger(
            minimum: max(common.logLevel, least ?? common.logLevel), clock: clock,
            fixed: [("service", .text(Owner.name.executableName))],
            write: { writer.write($0) })
        let faults = ProcessFaults.make(
            crashAt: common.crashAt, markPath: common.crashMark, declared: Owner.crashPoints,
            logger: logger)
        return World(
            clock: clock, ids: SystemIDGenerator(clock: clock), faults: faults ?? NoFaults(),
            telemetry: Telemetry(
                logger: logger, metrics: metrics,
                tracer: common.otlpEndpoint == nil
                    ? .off : Tracer(SpanBuffer(metrics: metrics))))
    }
}
