package import Contracts
package import HTTPKit
import Kernel

/// The log over HTTP: event-service's internal routes.
///
/// Each call is tried once; outbox, subscriber and tail have their own patience.
package struct HTTPLog: LogPort {
    /// How long a call may take beyond what the log was asked to wait.
    private static let deadline = Duration.seconds(5)

    private let peer: PeerClient

    /// `peer` is event-service.
    package init(peer: PeerClient) {
        self.peer = peer
    }

    /// See `LogPort.append`; `.refused` for what event-service answers with 400, 413 or 422.
    package func append(_ messages: [LogMessage]) async throws(LogError) -> [LogAppendResult] {
        do {
            return try await peer.call(
                EventContracts.append, LogAppendRequest(messages: messages), Self.options()
            ).results
        } catch { throw LogError(error) }
    }

    /// See `LogPort.feed`. A page beyond 8 MiB is `.unavailable`: ask for fewer events.
    package func feed(_ request: FeedRequest) async throws(LogError) -> FeedPage {
        let query = request.queryItems
            .map { "\($0.name)=\(Self.percentEncoded($0.value))" }
            .joined(separator: "&")
        let wait = Duration.milliseconds(request.waitMilliseconds)
        let response: ClientResponse
        do {
            response = try await peer.get(
                "\(FeedRequest.path)?\(query)", Self.options(waiting: wait))
        } catch { throw LogError(error) }
        return try FeedPage(reading: response.body)
    }

    /// See `LogPort.shardCount`.
    package func shardCount() async throws(LogError) -> Int {
        let count = try await shards().count
        guard (1...4096).contains(count) else {
            throw .unavailable(reason: "impossible number of shards")
        }
        return count
    }

    /// See `LogPort.heads`.
    package func heads() async throws(LogError) -> [Int]? { try await shards().heads }

    private func shards() async throws(LogError) -> LogShardsResponse {
        do {
            return try await peer.call(
                EventContracts.shards, LogShardsRequest(), Self.options())
        } catch { throw LogError(error) }
    }

    private static func options(waiting wait: Duration = .zero) -> CallOptions {
        var options = CallOptions()
        options.deadline = deadline + wait
        options.attempts = 1
        return options
    }

    /// RFC 3986 §3.4, with what may stand unescaped in a query's value.
    private static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: ","), UInt8(ascii: ":"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }
}

extension LogError {
    /// Only what is wrong with the messages themselves is for ever: a wrong token, address or
    /// version is put right by people, and the messages wait for it.
    init(_ error: PeerError) {
        if case .problem(let document, _) = error, [400, 413, 422].contains(document.status) {
            self = .refused(code: document.code, detail: document.detail)
        } else {
            self = .unavailable(reason: error.description, retryAfter: error.retryAfter)
        }
    }
}
