import Contracts
import HTTPKit
import Kernel
import TestKit
import Testing

extension PathTests {
    /// What one call of a client causes can be followed through all services.
    @Suite(.enabled(if: Peers.areInstalled, "Tests/Peers/run --venv installs the collector"))
    struct Tracing {
        @Test func `one trace leads from the client's call to the mail`() async throws {
            try await Self.withCollector { deployment, collector in
                let tenant = try await Staff.signIn(deployment).makeTenant("traced", deployment)
                let journey = try await Journey.begin("traced", tenant, Acknowledged())
                let caller = TraceContext()
                try await Self.signUp("ada", tenant, ["traceparent": caller.traceparent])
                try await journey.waitForFulfilled(1)

                let trace = try await Self.trace(caller.traceID, collector)
                // Only the call itself stands below something that we do not know.
                #expect(trace.roots.map(\.name) == ["POST /v1/sdk/events"], "\(trace)")
                #expect(trace.roots.first?.parentID == caller.spanID)
                #expect(trace.roots.first?.service == "event-service")
                let mails = trace.spans.filter { $0.name == "send mail" && !$0.isFailed }
                try #require(mails.count == 1, "\(trace)")
                #expect(
                    trace.path(from: mails[0]) == [
                        "notification-service: send mail",
                        "notification-service: POST /internal/notifications/send",
                        "workflow-service: POST notification-service",
                        "workflow-service: step notify",
                        "workflow-service: run signup",
                        "event-service: POST /v1/sdk/events",
                    ], "\(trace)")
                for (service, call) in [
                    ("reward", "eligibility/check"), ("referral", "links/issue"),
                    ("reward", "rewards/grant"),
                ] {
                    let span = trace.spans.first {
                        $0.service == "\(service)-service" && $0.name == "POST /internal/\(call)"
                    }
                    let path = span.map { trace.path(from: $0) } ?? []
                    #expect(path.contains("workflow-service: run signup"), "\(call)\n\(trace)")
                }
            }
        }

        @Test func `a call whose trace is not sampled leaves no span anywhere`() async throws {
            try await Self.withCollector { deployment, collector in
                let tenant = try await Staff.signIn(deployment).makeTenant("untraced", deployment)
                let journey = try await Journey.begin("untraced", tenant, Acknowledged())
                let (quiet, told) = (TraceContext(), TraceContext())
                let unsampled = "\(quiet.traceparent.dropLast(2))00"
                try await Self.signUp("ada", tenant, ["traceparent": unsampled])
                try await journey.waitForFulfilled(1)
                // The second trace is whole: what there was of the first has come too.
                try await Self.signUp("grace", tenant, ["traceparent": told.traceparent])
                _ = try await Self.trace(told.traceID, collector)
                #expect(try collector.trace(quiet.traceID).spans.isEmpty)
            }
        }

        /// Runs all services with a collector, and without one afterwards.
        private static func withCollector(
            _ body: (Deployment, SpanCollector) async throws -> Void
        ) async throws {
            let deployment = try Deployment.required()
            let collector = try await SpanCollector.start(in: deployment.directory)
            try await restart(deployment, with: ["GRAPEVINE_OTLP_ENDPOINT": collector.url])
            do {
                try await body(deployment, collector)
            } catch {
                try? await restart(deployment, with: [:])
                throw error
            }
            try await restart(deployment, with: [:])
            try await collector.stop()
        }

        private static func restart(
            _ deployment: Deployment, with variables: [String: String]
        ) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for service in deployment.services {
                    group.addTask {
                        try await service.stop()
                        try await service.start(with: variables)
                    }
                }
                try await group.waitForAll()
            }
            try await deployment.waitUntilReady()
        }

        private static func signUp(
            _ participant: String, _ tenant: Tenant, _ headers: HTTPHeaders
        ) async throws {
            let event = JSONValue.signUp(participant, eventID: "signed-up-\(participant)")
            try await tenant.server.persist(
                .post, "/v1/sdk/events", ["events": [event]], headers: headers
            ).expecting(202)
        }

        /// The trace as soon as the mail is in it and nothing is missing.
        private static func trace(
            _ traceID: String, _ collector: SpanCollector
        ) async throws -> CollectedTrace {
            // What analytics-service brings into ClickHouse by the thousand leaves no spans, and a
            // run has its campaign with it.
            let services = ServiceName.allCases.filter { ![.analytics, .campaign].contains($0) }
                .map(\.executableName)
            var last: CollectedTrace?
            do {
                return try await eventually("the trace is whole", within: .seconds(60)) {
                    let trace = try collector.trace(traceID)
                    last = trace
                    let isWhole =
                        trace.roots.count == 1 && trace.services.isSuperset(of: services)
                        && trace.spans.contains { $0.name == "send mail" }
                        && trace.spans.contains { $0.name == "process notification.sent" }
                    return isWhole ? trace : nil
                }
            } catch let error as NotInTime {
                throw ProcessError("\(error)\n\(last.map(\.description) ?? "")")
            }
        }
    }
}
