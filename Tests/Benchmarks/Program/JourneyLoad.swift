import FoundationEssentials
import Glibc
import HTTPKit
import Kernel

/// Journeys at a fixed rate, whoever is slow: somebody follows a link, signs up and buys.
///
/// `JOURNEYS_PER_SECOND SECONDS CODES_FILE RESULTS_FILE`; gateway and secret key are in the
/// environment. A line of results is `order, milliseconds of the 202 of the purchase`.
struct JourneyLoad: Sendable {
    private let gateway: String
    private let key: String
    private let rate: Int
    private let seconds: Int
    private let codes: [String]
    private let resultsPath: String
    private let tag: String
    private let http: HTTPClient

    init(arguments: ArraySlice<String>) throws {
        let words = Array(arguments)
        let environment = ProcessInfo.processInfo.environment
        guard words.count == 4, let rate = Int(words[0]), let seconds = Int(words[1]), rate > 0,
            seconds > 0, let gateway = environment["GRAPEVINE_URL"],
            let key = environment["GRAPEVINE_BENCHMARK_KEY"],
            let codes = FileManager.default.contents(atPath: words[2])
        else { throw Misuse.needsNumbersFilesAndEnvironment }
        self.gateway = gateway
        self.key = key
        self.rate = rate
        self.seconds = seconds
        self.codes = String(decoding: codes, as: UTF8.self).split(separator: "\n").map(String.init)
        guard !self.codes.isEmpty else { throw Misuse.needsNumbersFilesAndEnvironment }
        resultsPath = words[3]
        tag = String(UInt32.random(in: 1...UInt32.max), radix: 36)
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerHost = 256
        configuration.circuitBreaker.failureThreshold = .max
        http = HTTPClient(configuration, world: World())
    }

    /// One line: how many were begun and how late the last one was begun, which must be little for
    /// the load to be what it claims.
    func run() async throws -> String {
        let clock = ContinuousClock()
        let begin = clock.now
        let count = rate * seconds
        var lateness = Duration.zero
        let (lines, failures) = await withTaskGroup(of: String?.self) { group in
            for number in 0..<count {
                let due = begin + .microseconds(Int64(number) * 1_000_000 / Int64(rate))
                if due > clock.now { try? await clock.sleep(until: due, tolerance: .zero) }
                lateness = max(lateness, due.duration(to: clock.now))
                group.addTask { try? await journey(number) }
            }
            var lines: [String] = []
            var failures = 0
            for await line in group {
                if let line { lines.append(line) } else { failures += 1 }
            }
            return (lines, failures)
        }
        await http.shutdown()
        try Data(lines.joined().utf8).write(to: URL(filePath: resultsPath))
        return "journeys=\(count) failed=\(failures)"
            + " latest_start_milliseconds=\(lateness.wholeMicroseconds / 1000)"
    }

    private func journey(_ number: Int) async throws -> String {
        let code = codes[number % codes.count]
        let (person, order) = ("\(tag)-\(number)", "order-\(tag)-\(number)")
        let answer = try await http.send(
            ClientRequest(
                url: "\(gateway)/r/\(code)",
                headers: ["User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"],
                deadline: .seconds(20)))
        guard answer.status == 302, let location = answer.headers["Location"],
            let click = location.firstMatch(of: /[?&]gv_click=(clk_[0-9a-z]+)/)
        else { throw Refused(status: answer.status) }
        let touch: JSONValue = ["click_id": .string(String(click.1)), "code": .string(code)]
        _ = try await tell([
            "event": "user_signed_up", "event_id": .string("signup-\(person)"),
            "participant_id": .string(person), "referral": touch,
            "traits": ["email": .string("\(person)@people.example")],
        ])
        let accepted = try await tell([
            "event": "purchase_completed", "event_id": .string("buy-\(person)"),
            "participant_id": .string(person), "subject": .string(order),
            "properties": ["order_id": .string(order)],
        ])
        return "\(order),\(accepted)\n"
    }

    /// Returns the moment of the 202, in milliseconds since 1970.
    private func tell(_ event: [String: JSONValue]) async throws -> Int64 {
        let whole = event.merging(["occurred_at": .string("\(SystemClock().now())")]) { $1 }
        let answer = try await http.send(
            ClientRequest(
                method: .post, url: "\(gateway)/v1/sdk/events",
                headers: ["Authorization": "Bearer \(key)", "Content-Type": "application/json"],
                body: try JSONCoding.encode(["events": [JSONValue.object(whole)]]),
                deadline: .seconds(20)))
        guard answer.status == 202 else { throw Refused(status: answer.status) }
        return Int64(Date().timeIntervalSince1970 * 1000)
    }

    private struct Refused: Error {
        let status: Int
    }

    private enum Misuse: Error {
        case needsNumbersFilesAndEnvironment
    }
}
