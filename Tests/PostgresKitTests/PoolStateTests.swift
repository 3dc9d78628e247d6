import Testing

@testable import PostgresKit

private let second: UInt64 = 1_000_000_000

/// The pool's decisions, without a server.
struct PoolStateTests {
    private func pool(limit: Int = 2) -> PoolState {
        PoolState(limit: limit, waitLimit: 5 * second, idleLimit: 60 * second)
    }

    @Test func `the first callers open connections up to the limit and wait for them`() {
        var pool = pool()
        #expect(pool.lease(1, now: 0) == .wait)
        #expect(pool.connectionsToOpen(now: 0) == 1)
        #expect(pool.connectionsToOpen(now: 0) == 0)
        #expect(pool.lease(2, now: 0) == .wait)
        #expect(pool.lease(3, now: 0) == .wait)
        #expect(pool.connectionsToOpen(now: 0) == 1)
        #expect(pool.opened(10, now: 0) == .hand(to: 1))
        #expect(pool.opened(11, now: 0) == .hand(to: 2))
        #expect(pool.connectionsToOpen(now: 0) == 0)
        #expect(pool.giveBack(10, now: 1) == .hand(to: 3))
        #expect(pool.giveBack(11, now: 1) == .keep)
        #expect(pool.lease(4, now: 2) == .use(11))
    }

    @Test func `nobody overtakes those who wait`() {
        var pool = pool(limit: 1)
        #expect(pool.lease(1, now: 0) == .wait)
        _ = pool.connectionsToOpen(now: 0)
        #expect(pool.opened(10, now: 0) == .hand(to: 1))
        for waiter in 2...5 { #expect(pool.lease(UInt64(waiter), now: 0) == .wait) }
        pool.withdraw(3)
        #expect(pool.giveBack(10, now: 0) == .hand(to: 2))
        #expect(pool.giveBack(10, now: 0) == .hand(to: 4))
        #expect(pool.giveBack(10, now: 0) == .hand(to: 5))
        #expect(pool.giveBack(10, now: 0) == .keep)
    }

    @Test func `those who wait too long are let go in order`() {
        var pool = pool(limit: 1)
        _ = pool.lease(1, now: 0)
        _ = pool.lease(2, now: second)
        #expect(pool.expire(now: 5 * second - 1).isEmpty)
        #expect(pool.expire(now: 5 * second) == [1])
        #expect(pool.expire(now: 6 * second) == [2])
        #expect(pool.waiting == 0)
    }

    @Test func `a closed connection makes room for another`() {
        var pool = pool(limit: 1)
        _ = pool.lease(1, now: 0)
        _ = pool.connectionsToOpen(now: 0)
        _ = pool.opened(10, now: 0)
        _ = pool.lease(2, now: 0)
        #expect(pool.connectionsToOpen(now: 0) == 0)
        pool.closed(10)
        #expect(pool.connectionsToOpen(now: 0) == 1)
        #expect(pool.opened(11, now: 0) == .hand(to: 2))
        #expect(pool.leased == [11])
    }

    @Test func `while the server refuses there is one attempt at a time, with pauses`() {
        var pool = pool(limit: 4)
        for waiter in 1...4 { _ = pool.lease(UInt64(waiter), now: 0) }
        #expect(pool.connectionsToOpen(now: 0) == 4)
        for _ in 0..<4 { pool.openFailed(now: 0, random: 1) }
        #expect(pool.connectionsToOpen(now: 0) == 0)
        let pause = pool.budget.nextAttemptAt
        #expect(pause > 0)
        #expect(pool.connectionsToOpen(now: pause) == 1)
        #expect(pool.connectionsToOpen(now: pause) == 0)
        #expect(pool.opened(10, now: pause) == .hand(to: 1))
        #expect(pool.connectionsToOpen(now: pause) == 3)
    }

    @Test func `when the server has been away for long callers are turned away at once`() {
        var pool = pool()
        _ = pool.lease(1, now: 0)
        _ = pool.connectionsToOpen(now: 0)
        pool.openFailed(now: 0, random: 0)
        #expect(pool.lease(2, now: 4 * second) == .wait)
        #expect(pool.expire(now: 20 * second).count == 2)
        #expect(pool.lease(3, now: 20 * second) == .down)
        // Being turned away still leads to an attempt, so that the server's return is noticed.
        #expect(pool.connectionsToOpen(now: 20 * second) == 1)
        #expect(pool.opened(10, now: 20 * second) == .keep)
        #expect(pool.lease(4, now: 20 * second) == .use(10))
    }

    @Test func `who finds the server back spares the others their pause`() {
        let sighting = Sighting()
        var one = ConnectBudget(limit: 1, sighting: sighting)
        var other = ConnectBudget(limit: 1, sighting: sighting)
        for _ in 0..<10 {
            _ = one.begin(wanted: 1, now: one.nextAttemptAt)
            one.failed(now: second, random: 1)
        }
        _ = other.begin(wanted: 1, now: 0)
        #expect(one.begin(wanted: 1, now: second + 1) == 0)
        #expect(one.isDown(forNanoseconds: 0, now: second + 1))
        other.opened(now: second + 1)
        #expect(!one.isDown(forNanoseconds: 0, now: second + 1))
        #expect(one.begin(wanted: 1, now: second + 1) == 1)
    }

    @Test func `idle connections are closed, but for one`() {
        var pool = pool(limit: 3)
        for waiter in 1...3 { _ = pool.lease(UInt64(waiter), now: 0) }
        _ = pool.connectionsToOpen(now: 0)
        for connection in 10...12 { _ = pool.opened(UInt64(connection), now: 0) }
        for connection in 10...12 { _ = pool.giveBack(UInt64(connection), now: second) }
        #expect(pool.idleToClose(now: 30 * second).isEmpty)
        #expect(pool.idleToClose(now: 61 * second) == [10, 11])
    }

    @Test func `the line has an end`() {
        var pool = pool(limit: 1)
        for waiter in 0..<PoolState.maximumWaiters {
            #expect(pool.lease(UInt64(waiter + 1), now: 0) == .wait)
        }
        #expect(pool.lease(999_999, now: 0) == .refuse)
    }
}

struct StatementCacheTests {
    private func key(_ text: String) -> StatementCache.Key {
        StatementCache.Key(text: text, types: [])
    }

    @Test func `a statement is prepared once and then executed by name`() {
        var cache = StatementCache(capacity: 2)
        #expect(cache.plan(key("a")) == .prepare("s1", evicting: nil))
        // Its preparation may still fail, so nobody relies on it yet.
        #expect(cache.plan(key("a")) == .unprepared)
        cache.confirm(key("a"))
        #expect(cache.plan(key("a")) == .execute("s1"))
        #expect(
            cache.plan(StatementCache.Key(text: "a", types: [20]))
                == .prepare("s2", evicting: nil))
    }

    @Test func `the statement unused for longest makes room`() {
        var cache = StatementCache(capacity: 2)
        for text in ["a", "b"] {
            _ = cache.plan(key(text))
            cache.confirm(key(text))
        }
        _ = cache.plan(key("a"))
        #expect(cache.plan(key("c")) == .prepare("s3", evicting: "s2"))
        #expect(cache.count == 2)
    }

    @Test func `names are never used twice`() {
        var cache = StatementCache(capacity: 2)
        _ = cache.plan(key("a"))
        cache.forget(key("a"))
        #expect(cache.plan(key("a")) == .prepare("s2", evicting: nil))
    }

    @Test func `a cache of nothing prepares nothing`() {
        var cache = StatementCache(capacity: 0)
        #expect(cache.plan(key("a")) == .unprepared)
    }
}

struct QueueTests {
    @Test func `first in is first out while the ring turns and grows`() {
        var queue = Queue<Int>()
        var next = 0
        var expected = 0
        for round in 1...50 {
            for _ in 0..<round {
                queue.append(next)
                next += 1
            }
            for _ in 0..<(round - 1) {
                #expect(queue.popFirst() == expected)
                expected += 1
            }
        }
        #expect(queue.count == next - expected)
        #expect(queue.removeAll() == Array(expected..<next))
        #expect(queue.popFirst() == nil)
    }
}
