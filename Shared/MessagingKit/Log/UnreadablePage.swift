package import Contracts
import HTTPKit
import Kernel

/// A page whose frame can be read and whose events cannot.
package struct UnreadablePage: Sendable, Hashable {
    /// Of its first event.
    package let position: LogPosition
    /// Where the page ends; the next one begins after it.
    package let next: Int
    /// What is wrong, without data.
    package let reason: String
    /// The page as it came.
    package let body: [UInt8]

    package init(position: LogPosition, next: Int, reason: String, body: [UInt8]) {
        self.position = position
        self.next = next
        self.reason = reason
        self.body = body
    }
}

extension FeedPage {
    /// Reads a page as event-service writes it.
    ///
    /// Throws `.unreadable` when only its events are at fault, and `.unavailable` for bytes that no
    /// log has written.
    package init(reading bytes: [UInt8]) throws(LogError) {
        let wrong: String
        do throws(Problem) {
            let slice = try JSONSlice(parsingOurs: bytes)
            do throws(MisplacedValue) {
                self = try FeedPage(slice)
                return
            } catch {
                wrong = error.pointer
            }
        } catch {
            wrong = error.errors.first?.pointer ?? error.code
        }
        let reason = "malformed page: \(wrong)"
        guard let page = UnreadablePage(bytes, reason: reason) else {
            throw .unavailable(reason: reason)
        }
        throw .unreadable(page)
    }
}

extension UnreadablePage {
    /// Nil unless the frame and the first event's position stand where event-service puts them.
    fileprivate init?(_ bytes: [UInt8], reason: String) {
        var scanner = FrameScanner(rest: bytes[...])
        guard scanner.skip(#"{"shard":"#), let shard = scanner.number(),
            scanner.skip(#","next":"#), let next = scanner.number(),
            scanner.skip(#","head":"#), scanner.number() != nil,
            scanner.skip(#","events":[{"position":""#), scanner.number() == shard,
            scanner.skip(":"), let position = scanner.number(), position <= next,
            scanner.skip(#"""#)
        else { return nil }
        self.init(
            position: LogPosition(shard: shard, position: position), next: next, reason: reason,
            body: bytes)
    }
}

/// Reads a fixed beginning, byte by byte: what follows may be no JSON at all.
private struct FrameScanner {
    var rest: ArraySlice<UInt8>

    mutating func skip(_ text: String) -> Bool {
        guard rest.starts(with: text.utf8) else { return false }
        rest = rest.dropFirst(text.utf8.count)
        return true
    }

    mutating func number() -> Int? {
        let digits = rest.prefix(19).prefix { (48...57).contains($0) }
        rest = rest.dropFirst(digits.count)
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
