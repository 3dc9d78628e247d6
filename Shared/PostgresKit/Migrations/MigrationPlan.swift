/// A migration that has run, as the database remembers it.
struct AppliedMigration: Sendable, Hashable, RowDecodable {
    let component: String
    let version: Int
    let name: String
    let checksum: String

    init(component: String, version: Int, name: String, checksum: String) {
        self.component = component
        self.version = version
        self.name = name
        self.checksum = checksum
    }

    init(row: Row) throws(PostgresError) {
        component = try row.get("component")
        version = try row.get("version")
        name = try row.get("name")
        checksum = try row.get("checksum")
    }
}

/// Which migrations are to run, or why none may. A pure value.
struct MigrationPlan {
    /// What is to run, in order.
    let missing: [Migration]
    /// Components whose database is ahead of this program: a newer release has been here.
    let ahead: [String]

    /// `wanted`: each migration with its checksum. Throws `.migration` when the list has gaps, or
    /// when what has run differs from it.
    init(
        wanted: [(migration: Migration, checksum: String)], applied: [AppliedMigration]
    ) throws(PostgresError) {
        var components: [String] = []
        for entry in wanted where !components.contains(entry.migration.component) {
            components.append(entry.migration.component)
        }
        var missing: [Migration] = []
        var ahead: [String] = []
        for component in components {
            let mine = wanted.filter { $0.migration.component == component }
                .sorted { $0.migration.version < $1.migration.version }
            let done = applied.filter { $0.component == component }
            missing += try Self.missing(mine, done)
            let newest = mine.last?.migration.version ?? 0
            if done.contains(where: { $0.version > newest }) { ahead.append(component) }
        }
        self.missing = missing
        self.ahead = ahead
    }

    private static func missing(
        _ wanted: [(migration: Migration, checksum: String)], _ applied: [AppliedMigration]
    ) throws(PostgresError) -> [Migration] {
        let newestApplied = applied.map(\.version).max() ?? 0
        var missing: [Migration] = []
        for (index, entry) in wanted.enumerated() {
            let migration = entry.migration
            guard migration.version == index + 1 else {
                throw PostgresError(
                    .migration,
                    "\(migration.title) stands where version \(index + 1) is expected")
            }
            if let done = applied.first(where: { $0.version == migration.version }) {
                guard done.checksum == entry.checksum else {
                    throw PostgresError(
                        .migration, "\(migration.title) was changed after it had run")
                }
            } else if migration.version < newestApplied {
                throw PostgresError(
                    .migration,
                    "\(migration.title) has not run although a later one has")
            } else {
                missing.append(migration)
            }
        }
        return missing
    }
}
