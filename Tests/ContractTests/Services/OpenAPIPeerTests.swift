import TestKit
import Testing

/// Whether the PyPI package openapi-spec-validator takes the descriptions for OpenAPI 3.1.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: Peers.areInstalled, "Tests/Peers/run --venv makes what this needs"))
struct OpenAPIPeerTests {
    @Test func `another project's validator takes every description`() async throws {
        let paths = EveryService.all.map { "\(Repository.root)/Services/\($0.name)/openapi.json" }
        let output = try await Peers.run("openapi_check.py", paths)
        #expect(output.split(separator: "\n").count == paths.count)
    }
}
