package import HTTPKit
package import Kernel
import PostgresKit
import Synchronization

/// One service, running in this process: what the executable starts, and what tests start on a free
/// port with a world of their own.
package final class RunningService<Owner: Service>: Sendable {
    /// How long requests may finish at the end, and background tasks after them.
    package static var drainLimit: Duration { .seconds(10) }

    package let service: Owner
    package let context: ServiceContext
    /// The port that was bound.
    package let port: UInt16
    /// Every route, the kit's own included.
    package let routes: [RouteDescription]

    private let server: HTTPServer
    private let health: Health
    private let background: Task<Void, Never>
    private let exporter: Task<Void, Never>?
    private let isStopping = Mutex(false)

    /// Where it answers, without a slash at the end.
    package var url: String { "http://\(context.configuration.listen.with(port: port))" }

    /// Waits for the database, migrates, wires, listens, starts the background tasks.
    ///
    /// Throws when the database stays away for 60 seconds, a migration fails, a part cannot be
    /// wired, or the port is taken. What was opened is closed then.
    package static func start(
        _ type: Owner.Type = Owner.self, configuration: Owner.Configuration,
        common: CommonConfiguration, world: World
    ) async throws -> RunningService {
        let resources = try ServiceResources(common, world: world)
        do {
            try await SchemaStart.run(Owner.self, resources)
            let assembly = try await ServiceAssembly<Owner>(configuration, resources)
            return try RunningService(assembly)
        } catch {
            await resources.shutdown()
            throw error
        }
    }

    private init(_ assembly: ServiceAssembly<Owner>) throws {
        service = assembly.service
        context = assembly.context
        health = assembly.health
        routes = assembly.router.routes
        let common = context.configuration
        var configuration = HTTPServerConfiguration()
        configuration.host = common.listen.host
        configuration.port = common.listen.port
        configuration.logsAccess = common.logsAccess
        configuration.trustsForwardedFor = common.trustsForwardedFor
        server = HTTPServer(
            router: assembly.router, configuration: configuration, world: context.world)
        port = try server.start()
        let telemetry = context.telemetry
        let tasks = assembly.background
        exporter = SpanExporter.start(context)
        background = Task {
            await withDiscardingTaskGroup { group in
                for task in tasks { group.addTask { await task.supervise(telemetry) } }
            }
        }
        health.setPhase(.running)
        telemetry.logger.notice(
            "ready",
            [
                ("address", .text("\(common.listen.with(port: port))")),
                ("version", .text(Version.current)),
            ])
    }

    /// Not ready any more, finishes what runs, ends the background tasks, closes everything.
    /// A second call returns at once.
    package func stop() async {
        let isFirst = isStopping.withLock { isStopping in
            defer { isStopping = true }
            return !isStopping
        }
        guard isFirst else { return }
        context.telemetry.logger.notice("stopping")
        health.setPhase(.draining)
        await server.drain(within: Self.drainLimit)
        background.cancel()
        if await !background.ends(within: Self.drainLimit) {
            context.telemetry.logger.warning("background tasks did not end in time; leaving them")
        }
        // The last, so that what was done at the end is sent too.
        exporter?.cancel()
        await exporter?.value
        await context.resources.shutdown()
        context.telemetry.logger.notice("stopped")
    }
}

extension Task where Success == Void, Failure == Never {
    /// Whether the task ended in time. Waits without a thread; does not cancel it.
    fileprivate func ends(within limit: Duration) async -> Bool {
        let ended = Flag()
        Task<Void, Never> {
            await value
            ended.set()
        }
        let end = ContinuousClock.now + limit
        while !ended.isSet, ContinuousClock.now < end {
            try? await Task<Never, Never>.sleep(for: .milliseconds(10))
        }
        return ended.isSet
    }
}

private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}
