import Kernel
import PostgresKit

/// Brings the database up to date before a service is wired.
enum SchemaStart {
    /// How long to wait for a database that is not there yet.
    static let waitLimit: Duration = .seconds(60)

    /// Waits for the database, says so now and then, and migrates. Throws when it stays away.
    static func run<Owner: Service>(_ type: Owner.Type, _ resources: ServiceResources) async throws
    {
        try await waitForDatabase(resources)
        try await Migrator.migrate(
            resources.postgres, migrations(of: type), world: resources.world)
    }

    /// ServiceKit's tables first, then what the service names, each once.
    static func migrations<Owner: Service>(of type: Owner.Type) -> [Migration] {
        let own = Owner.migrations.filter { migration in
            !ServiceKitMigrations.all.contains { $0.component == migration.component }
        }
        return ServiceKitMigrations.all + own
    }

    private static func waitForDatabase(_ resources: ServiceResources) async throws {
        let logger = resources.world.telemetry.logger
        let began = ContinuousClock.now
        var lastWord = began
        while true {
            do {
                try await resources.postgres.ping()
                return
            } catch {
                let now = ContinuousClock.now
                guard error.code != .configuration, began.duration(to: now) < waitLimit else {
                    throw error
                }
                if lastWord == began || lastWord.duration(to: now) > .seconds(5) {
                    logger.notice(
                        "waiting for the database",
                        [
                            ("seconds", .integer(Int(began.duration(to: now).components.seconds))),
                            ("error", .text("\(error)")),
                        ])
                    lastWord = now
                }
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
