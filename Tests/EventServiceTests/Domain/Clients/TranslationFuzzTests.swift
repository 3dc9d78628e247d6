import Contracts
import HTTPKit
import Kernel
import Testing

@testable import EventService

/// Whatever JSON comes, each front makes an event of it that the log can keep, or says why not.
@Suite struct TranslationFuzzTests {
    @Test(arguments: UInt64(1)...8)
    func `random JSON becomes a storable event or a refusal`(_ seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        var taken = 0
        for round in 0..<300 {
            let text = source.event()
            let slice = try Translations.parse(text)
            let shared = try Translations.parse(source.event())
            for reading in readings(of: slice, shared: shared, at: round) {
                guard case .event = reading else { continue }
                taken += 1
                do {
                    let event = try Translations.stored(reading)
                    #expect((1...100).contains(event.eventID.unicodeScalars.count), "\(text)")
                    #expect(event.properties.object != nil, "\(text)")
                } catch {
                    Issue.record("\(error) of \(text)")
                }
            }
        }
        #expect(taken > 0, "some of it are events")
    }

    private func readings(
        of slice: JSONSlice, shared: JSONSlice, at index: Int
    ) -> [EventReading] {
        let segment = SegmentTranslation(
            receivedAt: Translations.now, sharedSentAt: ClientText.time(shared["timestamp"]),
            sharedContext: shared)
        let calls = SegmentCall.allCases.map { segment.read(slice, as: $0, at: index) }
        _ = PostHogTranslation.key(in: slice)
        return calls + [
            segment.read(slice, at: index),
            PostHogTranslation(receivedAt: Translations.now).read(slice, at: index),
            CloudEventTranslation(receivedAt: Translations.now).read(slice),
            CloudEventTranslation(receivedAt: Translations.now).read(
                [("specversion", "1.0"), ("id", "1"), ("source", "s"), ("type", "t")],
                .json(slice), body: Array(slice.bytes)),
        ]
    }
}

/// JSON that looks like what clients send, with everything in the wrong place now and then.
private struct RandomJSON {
    private static let names = [
        "event", "type", "messageId", "userId", "anonymousId", "previousId", "groupId", "timestamp",
        "sentAt", "properties", "traits", "context", "uuid", "distinct_id", "$set", "$set_once",
        "$device_id", "$is_identified", "order_id", "revenue", "currency", "amount", "campaign_id",
        "specversion", "id", "source", "time", "subject", "participantid", "data", "data_base64",
        "told", "ip", "alias", "name", "é", "a\\u0000b", "",
    ]
    private static let values = [
        "null", "true", "7", "-0.5e9", "1e999", "12345678901234567890123", "[]", "{}", "\"\"",
        "\"track\"", "\"Order Completed\"", "\"reward.fulfilled\"", "\"a\\nb\"", "\"🎉\"",
        "\"2027-01-15T08:00:00Z\"", "\"2027-01-15 08:00:00\"", "\"9999-12-31T23:59:59Z\"",
        "\"0001-01-01T00:00:00Z\"", "\"1.0\"", "\"USD\"", "\"25.50\"", "\"\\ud83c\\udf89\"",
        "\"cmp_01h455vb4pex5vsknk084sn02q\"", "\"u1\"",
    ]

    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    /// SplitMix64.
    private mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }

    mutating func event() -> String {
        guard next(20) > 0 else { return value(depth: 0) }
        // Mostly a good event with some members replaced.
        let good = [
            #""type":"track""#, #""event":"a""#, #""userId":"u""#, #""distinct_id":"u""#,
            #""specversion":"1.0""#, #""id":"1""#, #""source":"s""#, #""participantid":"u""#,
        ].filter { _ in next(6) > 0 }
        let wild = (0..<next(8)).map { _ in member(depth: 1) }
        return "{\((good + wild).joined(separator: ","))}"
    }

    private mutating func member(depth: Int) -> String {
        "\"\(Self.names[next(Self.names.count)])\":\(value(depth: depth))"
    }

    private mutating func value(depth: Int) -> String {
        if depth < 40, next(4) == 0 {
            let count = next(4)
            return next(2) == 0
                ? "{\((0..<count).map { _ in member(depth: depth + 1) }.joined(separator: ","))}"
                : "[\((0..<count).map { _ in value(depth: depth + 1) }.joined(separator: ","))]"
        }
        if next(200) == 0 { return "\"\(String(repeating: "x", count: 40_000))\"" }
        return Self.values[next(Self.values.count)]
    }
}
