import Testing

@testable import ServiceKit

@Suite struct KeyCachePolicyTests {
    private static let near = Duration.seconds(4.9)

    @Test(arguments: [
        (KeyCachePolicy.Entry.absent, Duration?.none, KeyCachePolicy.Decision.ask),
        (.absent, .zero, .ask),
        (.unknown(age: near), nil, .use),
        (.unknown(age: .seconds(5)), .zero, .ask),
        (.known(age: near), nil, .use),
        (.known(age: .seconds(5)), nil, .ask),
        (.known(age: .seconds(5)), .seconds(5), .ask),
        (.known(age: .seconds(5)), near, .use),
        (.known(age: .seconds(299)), .zero, .use),
        (.known(age: .seconds(300)), .zero, .ask),
    ])
    func `an entry counts as long as the log vouches for it`(
        entry: KeyCachePolicy.Entry, contactAge: Duration?, wanted: KeyCachePolicy.Decision
    ) {
        #expect(KeyCachePolicy.decide(entry, contactAge: contactAge) == wanted)
    }

    @Test(arguments: [
        (KeyCachePolicy.Entry.absent, Duration.zero, KeyCachePolicy.OutageDecision.refuse),
        (.unknown(age: .zero), .zero, .refuse),
        (.known(age: .seconds(299)), .zero, .useStale),
        (.known(age: .seconds(599)), .seconds(299), .useStale),
        (.known(age: .seconds(310)), .seconds(300), .refuse),
        (.known(age: .seconds(600)), .zero, .refuse),
    ])
    func `in an outage known keys work for five minutes and unknown ones do not`(
        entry: KeyCachePolicy.Entry, outage: Duration, wanted: KeyCachePolicy.OutageDecision
    ) {
        #expect(KeyCachePolicy.decideInOutage(entry, outage: outage) == wanted)
    }
}
