import HTTPKit
import Kernel
import Testing

@testable import ServiceKit

@Suite struct IdempotencyKeyTests {
    @Test(arguments: [
        ("abc", "abc"), ("\"abc\"", "abc"), ("\"a\\\"b\\\\c\"", "a\"b\\c"), ("\"a b\"", "a b"),
    ])
    func `a key is taken bare or quoted`(text: String, key: String) throws {
        #expect(try IdempotencyKeyHeader.key(of: ["Idempotency-Key": text]) == key)
    }

    @Test(arguments: ["", "\"\"", "\"abc", "a\"b", "ä", "\"a\\b\"", "\"a\\\"", "a\u{7}b"])
    func `anything else is refused`(text: String) {
        #expect(throws: Problem.self) {
            try IdempotencyKeyHeader.key(of: ["Idempotency-Key": text])
        }
    }

    @Test func `255 characters are enough`() throws {
        let longest = String(repeating: "k", count: 255)
        #expect(try IdempotencyKeyHeader.key(of: ["Idempotency-Key": longest]) == longest)
        #expect(throws: Problem.self) {
            try IdempotencyKeyHeader.key(of: ["Idempotency-Key": longest + "k"])
        }
    }

    @Test func `a repeated header is refused and an absent one is none`() throws {
        #expect(try IdempotencyKeyHeader.key(of: [:]) == nil)
        var headers = HTTPHeaders()
        headers.add("Idempotency-Key", "a")
        headers.add("Idempotency-Key", "a")
        #expect(throws: Problem.self) { try IdempotencyKeyHeader.key(of: headers) }
    }
}
