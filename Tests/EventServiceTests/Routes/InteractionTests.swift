import Contracts
import HTTPKit
import Kernel
import SecurityKit
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(2))) struct InteractionTests {
    private func share(
        _ id: String, key: String = "\"today\"", of person: String = "user-1", more: String = ""
    ) -> String {
        #"{"event":"referral_shared","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"\#(person)","dedup_key":\#(key)\#(more)}"#
    }

    private func statuses(_ body: JSONValue) -> [String] {
        (body["results"]?.array ?? []).map {
            [$0["status"]?.string, $0["code"]?.string].compactMap(\.self).joined(separator: " ")
        }
    }

    @Test func `the same thing done by the same person counts once within the window`()
        async throws
    {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let first = try await harness.ingest(
                "[\(share("a")),\(share("b")),\(share("c", of: "user-2"))]", key: key)
            #expect(
                statuses(first.body) == ["accepted", "duplicate interaction_repeated", "accepted"])
            #expect(first.body["duplicate"] == 1)
            let later = try await harness.ingest(
                """
                [\(share("d")),\(share("e", key: "\"tomorrow\"")),
                \(share("f", more: #","product_id":"shop-2""#)),\(share("a"))]
                """, key: key)
            #expect(
                statuses(later.body) == [
                    "duplicate interaction_repeated", "accepted", "accepted", "duplicate",
                ])
            let logged = try await harness.logged()
            #expect(logged.map(\.eventID) == ["a", "c", "e", "f"])
            #expect(logged[0].context?["dedup_key"] == "today")
            #expect(logged[3].context?["product_id"] == "shop-2")
        }
    }

    @Test func `after its window the same thing counts again`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let brief = #","dedup_window_seconds":1"#
            _ = try await harness.ingest("[\(share("a", more: brief))]", key: key)
            var number = 0
            try await eventually("the window ends") {
                number += 1
                let again = try await harness.ingest(
                    "[\(share("again-\(number)", more: brief))]", key: key)
                return statuses(again.body) == ["accepted"]
            }
            let logged = try await harness.logged()
            #expect(logged.map(\.eventID) == ["a", "again-\(number)"])
        }
    }

    @Test func `of many at once one counts`() async throws {
        try await EventHarness.run { harness in
            let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<32 {
                    group.addTask {
                        let answer = try await harness.ingest(
                            "[\(share("id-\(number)"))]", key: harness.keys.secret.text)
                        return statuses(answer.body) == ["accepted"] ? 1 : 0
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(accepted == 1)
            #expect(try await harness.logged().count == 1)
        }
    }

    @Test func `a key or a window that cannot be meant rejects the event alone`() async throws {
        try await EventHarness.run { harness in
            let answer = try await harness.ingest(
                """
                [\(share("a", key: "5")),\(share("b", more: #","product_id":"""#)),
                \(share("c", more: #","dedup_window_seconds":0"#)),
                \(share("d", more: #","dedup_window_seconds":604801"#)),
                \(share("e", more: #","dedup_window_seconds":604800"#))]
                """, key: harness.keys.secret.text)
            let pointers = answer.body["results"]?.array?.map { $0["pointer"]?.string }
            #expect(
                pointers == [
                    "/dedup_key", "/product_id", "/dedup_window_seconds", "/dedup_window_seconds",
                    nil,
                ])
        }
    }
}
