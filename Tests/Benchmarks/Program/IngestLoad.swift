import FoundationEssentials
import HTTPKit
import Kernel
import Synchronization

/// Batches of events at a fixed rate, whoever is slow, timed from when each was due.
///
/// `REQUESTS_PER_SECOND SECONDS EVENTS_PER_REQUEST`; gateway and secret key are in the environment.
struct IngestLoad: Sendable {
    private let gateway: String
    private let key: String
    private let rate: Int
    private let seconds: Int
    private let size: Int
    private let tag = UInt32.random(in: 1...UInt32.max)
    private let http: HTTPClient

    init(arguments: ArraySlice<String>) throws {
        let numbers = arguments.compactMap { Int($0) }
        let environment = ProcessInfo.processInfo.environment
        guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 }),
            let gateway = environment["GRAPEVINE_URL"],
            let key = environment["GRAPEVINE_BENCHMARK_KEY"]
        else { throw Misuse.needsNumbersAndEnvironment }
        self.gateway = gateway
        self.key = key
        (rate, seconds, size) = (numbers[0], numbers[1], numbers[2])
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerHost = 64
        configuration.circuitBreaker.failureThreshold = .max
        http = HTTPClient(configuration, world: World())
    }

    /// One line: what was acknowledged, how long it took, and how late the last request was begun,
    /// which must be little for the load to be what it claims.
    func run() async throws -> String {
        let clock = ContinuousClock()
        let begin = clock.now
        let count = rate * seconds
        var lateness = Duration.zero
        let spent = await withTaskGroup(of: Duration?.self) { group in
            for number in 0..<count {
                let due = begin + .microseconds(Int64(number) * 1_000_000 / Int64(rate))
                if due > clock.now { try? await clock.sleep(until: due, tolerance: .zero) }
                lateness = max(lateness, due.duration(to: clock.now))
                group.addTask {
                    guard await send(number) else { return nil }
                    return due.duration(to: clock.now)
                }
            }
            var spent: [Duration] = []
            for await one in group { if let one { spent.append(one) } }
            return spent.sorted()
        }
        await http.shutdown()
        return "requests=\(count) failed=\(count - spent.count) events=\(spent.count * size)"
            + " p50_milliseconds=\(Self.milliseconds(spent, 50))"
            + " p99_milliseconds=\(Self.milliseconds(spent, 99))"
            + " latest_start_milliseconds=\(lateness.wholeMicroseconds / 1000)"
    }

    /// Whether every event of the batch was accepted.
    private func send(_ number: Int) async -> Bool {
        let answer = try? await http.send(
            ClientRequest(
                method: .post, url: "\(gateway)/v1/sdk/events",
                headers: ["Authorization": "Bearer \(key)", "Content-Type": "application/json"],
                body: body(number), deadline: .seconds(20), retry: .never))
        guard let answer, answer.status == 202 else { return false }
        return answer.body.starts(with: #"{"accepted":\#(size),"#.utf8)
    }

    private func body(_ number: Int) -> [UInt8] {
        let now = SystemClock().now()
        var bytes = Array(#"{"events":["#.utf8)
        bytes.reserveCapacity(size * 720)
        for index in 0..<size {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += #"{"event":"feature_viewed","event_id":"\#(tag)-\#(number)-\#(index)","#.utf8
            bytes += #""occurred_at":"\#(now)","participant_id":"user-\#(index)""#.utf8
            bytes += Self.tail
        }
        bytes += "]}".utf8
        return bytes
    }

    private static let tail = Array(
        """
        ,"sdk":{"name":"js","version":"1.0.0"},"device":{"os":"Mac OS","browser":"Chrome",\
        "user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 \
        Chrome/120.0.0.0 Safari/537.36"},"page":{"url":"https://example.com/pricing?utm_source=x",\
        "title":"Pricing and plans","path":"/pricing","referrer":"https://www.google.com/"},\
        "utm":{"source":"google","medium":"cpc"},"locale":{"language":"en-US",\
        "timezone":"Europe/Berlin"},"properties":{"plan":"pro","amount":"49.00","currency":"USD",\
        "seats":"12","trial":"no","section":"pricing-table"}}
        """.utf8)

    private static func milliseconds(_ sorted: [Duration], _ percent: Int) -> Int64 {
        guard !sorted.isEmpty else { return -1 }
        return sorted[(sorted.count - 1) * percent / 100].wholeMilliseconds
    }

    private enum Misuse: Error {
        case needsNumbersAndEnvironment
    }
}
