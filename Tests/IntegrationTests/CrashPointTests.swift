import Contracts
import FoundationEssentials
import Kernel
import TestKit
import Testing

/// Services die by SIGKILL at each of their crash points, while clients use them, and nothing is
/// lost or done twice.
@Suite(.serialized, .deployment, .timeLimit(.minutes(5)))
struct CrashPointTests {
    /// One point of each service at a time: they die independently, and leases of the dead, which
    /// the living wait for, run out together.
    @Test(arguments: try await CrashWave.all())
    func `dying at any point loses nothing and does nothing twice`(_ wave: CrashWave) async throws {
        let deployment = try Deployment.required()
        var exitsBefore: [ServiceName: Int] = [:]
        for (name, point) in wave.points {
            let service = try deployment[name]
            try await service.stop()
            exitsBefore[name] = await service.exits.count
            try await service.start(with: [
                "GRAPEVINE_CRASH_AT": point,
                "GRAPEVINE_CRASH_MARK": Self.mark(of: point, deployment),
            ])
        }

        let acknowledged = Acknowledged()
        let round = Round(deployment: deployment, acknowledged: acknowledged)
        try await round.play("wave-\(wave.number)")

        for (name, point) in wave.points {
            let path = Self.mark(of: point, deployment)
            let mark = FileManager.default.contents(atPath: path) ?? Data()
            let words = String(decoding: mark, as: UTF8.self)
            #expect(words.hasPrefix(point), "\(point) was never reached")
            let exits = try await deployment[name].exits.dropFirst(exitsBefore[name] ?? 0)
            #expect(Array(exits) == [.signal(9)], "\(name) dies once, at \(point)")
        }
        try await Audit(deployment: deployment).expectClean(acknowledged)
    }

    private static func mark(of point: String, _ deployment: Deployment) -> String {
        "\(deployment.directory)/\(point).mark"
    }
}

/// Crash points, at most one of each service, as their executables list them.
struct CrashWave: Sendable, CustomTestStringConvertible {
    let number: Int
    var points: [ServiceName: String] = [:]

    var testDescription: String { points.values.sorted().joined(separator: ", ") }

    /// Every declared point is in one wave. Throws when a service declares none: nobody would
    /// notice that it is not tested.
    static func all() async throws -> [CrashWave] {
        var waves: [CrashWave] = []
        for service in Deployment.serviceNames {
            let output = try await Command.run(
                Repository.executable(service.executableName), ["--crash-points"])
            let points = output.split(separator: "\n").map(String.init)
            guard !points.isEmpty else {
                throw ProcessError("\(service.executableName) declares no crash points.")
            }
            for (index, point) in points.enumerated() {
                if index == waves.count { waves.append(CrashWave(number: index)) }
                waves[index].points[service] = point
            }
        }
        return waves
    }
}
