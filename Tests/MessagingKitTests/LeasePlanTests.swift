import Foundation
import Testing

@testable import MessagingKit

@Suite struct LeasePlanTests {
    private let me = UUID()
    private let other = UUID()

    private func cursors(_ owners: [UUID?], leased: Bool = true) -> [ShardCursor] {
        owners.enumerated().map { shard, owner in
            ShardCursor(
                shard: shard, position: 0, epoch: 1, owner: owner,
                isLeased: leased && owner != nil)
        }
    }

    @Test func `a lone replica takes everything that is free`() {
        let plan = LeasePlan(
            cursors: cursors([nil, nil, nil]), replicas: 1, owner: me, held: [])
        #expect(plan.take.map(\.shard) == [0, 1, 2])
        #expect(plan.giveBack.isEmpty)
    }

    @Test func `a shard whose lease runs is left to its owner`() {
        let plan = LeasePlan(
            cursors: cursors([other, nil]), replicas: 1, owner: me, held: [])
        #expect(plan.take.map(\.shard) == [1])
    }

    @Test func `a shard whose lease ended is taken`() {
        let plan = LeasePlan(
            cursors: cursors([other, other], leased: false), replicas: 1, owner: me, held: [])
        #expect(plan.take.map(\.shard) == [0, 1])
    }

    @Test func `a newcomer's share is given back`() {
        let plan = LeasePlan(
            cursors: cursors([me, me, me, me]), replicas: 2, owner: me, held: [0, 1, 2, 3])
        #expect(plan.take.isEmpty)
        #expect(plan.giveBack == [2, 3])
    }

    @Test func `nobody takes more than a fair share`() {
        let plan = LeasePlan(
            cursors: cursors([nil, nil, nil, nil, nil]), replicas: 2, owner: me, held: [])
        #expect(plan.take.map(\.shard) == [0, 1, 2])
    }

    @Test func `more replicas than shards leave some with nothing`() {
        let plan = LeasePlan(
            cursors: cursors([other, other]), replicas: 5, owner: me, held: [])
        #expect(plan.take.isEmpty)
        #expect(plan.giveBack.isEmpty)
    }

    @Test func `what is worked on is not taken again although its lease ended`() {
        let plan = LeasePlan(
            cursors: cursors([me, me], leased: false), replicas: 1, owner: me, held: [0])
        #expect(plan.take.map(\.shard) == [1])
    }

    @Test func `every shard finds an owner for any number of replicas`() {
        for replicas in 1...7 {
            let owners = (0..<replicas).map { _ in UUID() }
            var state = cursors(Array(repeating: nil, count: 8))
            for owner in owners {
                for taken in LeasePlan(cursors: state, replicas: replicas, owner: owner, held: [])
                    .take
                {
                    state[taken.shard] = ShardCursor(
                        shard: taken.shard, position: 0, epoch: 1, owner: owner, isLeased: true)
                }
            }
            #expect(!state.contains { !$0.isLeased })
        }
    }
}
