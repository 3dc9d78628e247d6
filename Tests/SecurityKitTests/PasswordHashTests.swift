import Testing

@testable import SecurityKit

@Suite struct PasswordHashTests {
    @Test func `a password verifies against its own hash only`() async throws {
        let hash = try await PasswordHash.hash("correct horse")
        #expect(hash.hasPrefix("$scrypt$ln=15,r=8,p=3$"))
        #expect(try await PasswordHash.verify("correct horse", against: hash))
        #expect(try await !PasswordHash.verify("correct hors", against: hash))
        #expect(try await !PasswordHash.verify("", against: hash))
        #expect(!PasswordHash.needsRehash(hash))
    }

    @Test func `the same password gets a new salt each time`() async throws {
        let first = try await PasswordHash.hash("secret")
        let second = try await PasswordHash.hash("secret")
        #expect(first != second)
    }

    @Test func `a hash with other parameters still verifies and asks to be renewed`() async throws {
        // scrypt("password", "NaClNaCl", N = 2^10, r = 8, p = 1), 32 bytes.
        let hash =
            "$scrypt$ln=10,r=8,p=1$TmFDbE5hQ2w$EIPzIwjd1y0BIe0XvGyDP8ABavDi6t7D0/GkbkKgCn8"
        let stored = try #require(StoredHash(hash))
        #expect(stored.description == hash)
        let derived = try #require(
            stored.cost.derive(
                password: bytes(utf8: "password"), salt: stored.salt, byteCount: 32))
        let good = StoredHash(cost: stored.cost, salt: stored.salt, hash: derived).description
        #expect(try await PasswordHash.verify("password", against: good))
        #expect(PasswordHash.needsRehash(good))
    }

    @Test(arguments: [
        "", "$", "$scrypt$", "plain", "$2b$12$abcdefghijklmnopqrstuv",
        // Costs beyond what we would ever have written.
        "$scrypt$ln=30,r=8,p=1$TmFDbE5hQ2w$EIPzIwjd1y0BIe0XvGyDP8ABavDi6t7D0/GkbkKgCn8",
        "$scrypt$ln=15,r=99,p=1$TmFDbE5hQ2w$EIPzIwjd1y0BIe0XvGyDP8ABavDi6t7D0/GkbkKgCn8",
        "$scrypt$ln=15,r=8,p=99$TmFDbE5hQ2w$EIPzIwjd1y0BIe0XvGyDP8ABavDi6t7D0/GkbkKgCn8",
        "$scrypt$ln=-1,r=8,p=1$TmFDbE5hQ2w$EIPzIwjd1y0BIe0XvGyDP8ABavDi6t7D0/GkbkKgCn8",
        // An empty or short hash would match too easily.
        "$scrypt$ln=10,r=8,p=1$TmFDbE5hQ2w$", "$scrypt$ln=10,r=8,p=1$TmFDbE5hQ2w$AA",
        "$scrypt$ln=10,r=8,p=1$$EIPzIwjd1y0BIe0XvGyDP8ABavDi6t7D0/GkbkKgCn8",
        "$scrypt$ln=10,r=8$TmFDbE5hQ2w$EIPzIwjd1y0BIe0XvGyDP8ABavDi6t7D0/GkbkKgCn8",
    ])
    func `a malformed or dangerous hash verifies nothing`(hash: String) async throws {
        #expect(try await !PasswordHash.verify("password", against: hash))
    }

    @Test func `empty and overlong passwords are refused before any work`() async {
        await #expect(throws: SecurityError.invalidKey) { try await PasswordHash.hash("") }
        await #expect(throws: SecurityError.invalidKey) {
            try await PasswordHash.hash(String(repeating: "x", count: 1025))
        }
    }

    @Test func `work beyond the waiting room is refused and later work goes on`() async throws {
        let workers = PasswordWorkers(count: 1, waitingLimit: 1)
        let gate = Gate()
        async let running: Void = workers.run { gate.wait() }
        async let waiting: Void = workers.run { gate.wait() }
        // Either of the two is running or waiting once two were let in; the third is too many.
        while workers.load < 2 { await Task.yield() }
        await #expect(throws: SecurityError.busy) { try await workers.run {} }
        gate.open()
        _ = try await (running, waiting)
        let value = try await workers.run { 42 }
        #expect(value == 42)
        #expect(workers.load == 0)
    }
}
