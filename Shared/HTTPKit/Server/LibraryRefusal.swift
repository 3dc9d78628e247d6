import CMicrohttpd
import Glibc
import Kernel
import Synchronization

/// Answers in place of the library's own error pages, so that every refusal is a problem document.
///
/// The library refuses some requests before it asks us: heads that do not fit into its memory,
/// lengths and chunks it cannot read. It then answers by calling its public `MHD_queue_response`,
/// and as an executable's symbols come before those of its libraries, it finds this function. We
/// ourselves call the library's (`microhttpd_shim_queue`). Were this one not found, callers would
/// get the library's page; nothing else would change.
@c(MHD_queue_response)
public func answerForLibrary(
    pointer: OpaquePointer?, status: UInt32, page: OpaquePointer?
) -> UInt32 {
    guard let pointer = unsafe pointer, let connection = unsafe serverConnection(pointer) else {
        return unsafe microhttpd_shim_queue(pointer, status, page).rawValue
    }
    let problem = Problem.ofLibrary(status: Int(status))
    guard let exchange = connection.state.withLock({ $0.exchange }) else {
        connection.refuse(problem)
        // The library then closes the connection. It must not answer itself: after a length that
        // it cannot read, 0.9.75 sends its head twice.
        return MHD_Result.NO.rawValue
    }
    return exchange.answerForLibrary(problem).rawValue
}

extension ServerConnection {
    /// Refuses a request whose head was never read whole.
    fileprivate func refuse(_ problem: Problem) {
        let requestID = RequestIdentity(HTTPHeaders(), random: core.randomBits).requestID
        let response = HTTPResponse.problem(problem, requestID: requestID)
        let sent = sendAtOnce(response, requestID: requestID)
        core.meter(of: nil).record(nil, status: problem.status, nanoseconds: 0)
        guard core.configuration.logsAccess else { return }
        core.world.telemetry.logger.log(.info, "request refused") { line in
            line.add("status", problem.status)
            line.add("sent_bytes", sent)
            line.add("request_id", requestID)
        }
    }

    /// Writes an answer past the library, which has nothing under way. A peer that has left no room
    /// for it in its buffers gets less. Returns how many bytes went.
    private func sendAtOnce(_ response: HTTPResponse, requestID: String) -> Int {
        guard case .bytes(let body) = response.body else { return 0 }
        var head = "HTTP/1.1 \(response.status) \(ProblemDocument.title(of: response.status))\r\n"
        for field in response.headers.fields { head += "\(field.name): \(field.value)\r\n" }
        head += "Date: \(Self.date())\r\nX-Request-Id: \(requestID)\r\n"
        head += "Connection: close\r\nContent-Length: \(body.count)\r\n\r\n"
        let bytes = Array(head.utf8) + body
        let count = unsafe send(
            descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        return max(count, 0)
    }

    /// Now, as RFC 9110 §5.6.7 writes it.
    private static func date() -> String {
        var now = time(nil)
        var parts = unsafe tm()
        unsafe gmtime_r(&now, &parts)
        let (day, month, weekday) = unsafe (parts.tm_mday, parts.tm_mon, parts.tm_wday)
        let (hour, minute, second) = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
        let year = unsafe parts.tm_year + 1900
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(weekday)]), \(two(day)) \(months[Int(month)]) \(year) "
            + "\(two(hour)):\(two(minute)):\(two(second)) GMT"
    }
}

extension Problem {
    /// What the library means by a status.
    fileprivate static func ofLibrary(status: Int) -> Problem {
        switch status {
        case 413:
            Problem(status: status, code: "body_too_large", detail: "The body is too large.")
        case 414: .targetTooLong
        case 431: .headersTooLarge
        case 500: .internalError
        case 505: .versionNotSupported
        default:
            Problem(
                status: status, code: "malformed_request",
                detail: "The request is not well-formed HTTP.")
        }
    }
}
