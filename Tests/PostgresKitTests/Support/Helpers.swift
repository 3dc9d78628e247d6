import Kernel
import PostgresKit
import TestKit

/// The database that tests share which make tables of their own in it.
private let database = Task { try await TestPostgres.shared().makeDatabase() }

/// A client of the shared database, or of another.
func makeClient(
    _ url: String? = nil, telemetry: Telemetry = Telemetry(),
    _ change: (inout PostgresConfiguration) -> Void = { _ in }
) async throws -> PostgresClient {
    let shared = try await database.value.url
    var configuration = try PostgresConfiguration(url: url ?? shared)
    change(&configuration)
    return PostgresClient(configuration, telemetry: telemetry)
}

/// The error's code, nil when nothing was thrown or something else.
func code<Result>(of body: () async throws -> Result) async -> PostgresError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? PostgresError)?.code
    }
}
