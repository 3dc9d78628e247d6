import Contracts
import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct PostHogTranslationTests {
    @Test func `an event keeps its own properties, and the client's apart from them`() throws {
        let event = try Translations.postHog(
            """
            {"event":"Order Completed","uuid":"0190-a","distinct_id":"u1",
             "timestamp":"2027-01-15T07:59:00Z",
             "properties":{"order_id":"o-1","total":"10","currency":"EUR","$lib":"posthog-python",
              "$ip":"192.0.2.1","$set":{"plan":"pro"},"$set_once":{"plan":"free","first":"x"}}}
            """)
        #expect(event.type == "purchase_completed")
        #expect(event.eventID == "0190-a")
        #expect(event.subject == "o-1")
        #expect(event.participant?.externalID == "u1")
        #expect(event.participant?.traits == ["plan": "pro", "first": "x"])
        #expect(event.properties["amount"] == ["units": "1000", "asset": "EUR"])
        #expect(event.properties["$lib"] == nil)
        #expect(event.context?["posthog"] == ["$lib": "posthog-python"])
    }

    @Test func `a visitor is told from a person`() throws {
        func who(_ more: String) throws -> [String?] {
            let event = try Translations.postHog(
                #"{"event":"$pageview","uuid":"1","distinct_id":"d","properties":{\#(more)}}"#)
            return [event.participant?.externalID, event.participant?.anonymousID]
        }
        #expect(try who("") == ["d", nil])
        #expect(try who(#""$is_identified":false"#) == [nil, "d"])
        #expect(try who(#""$device_id":"d""#) == [nil, "d"])
        #expect(try who(#""$process_person_profile":false"#) == [nil, "d"])
        #expect(try who(#""$device_id":"other""#) == ["d", "other"])
        #expect(try who(#""$anon_distinct_id":"a","$device_id":"b""#) == ["d", "a"])
    }

    @Test func `what the clients report by themselves has short names`() throws {
        func type(_ name: String) throws -> String {
            try Translations.postHog(
                #"{"event":"\#(name)","uuid":"1","distinct_id":"d"}"#
            ).type
        }
        #expect(try type("$identify") == "identify")
        #expect(try type("$pageview") == "page")
        #expect(try type("$feature_flag_called") == "feature_flag_called")
        let alias = try Translations.postHog(
            #"{"event":"$create_alias","uuid":"1","distinct_id":"old","properties":{"alias":"new"}}"#
        )
        #expect(alias.type == "alias")
        #expect(alias.participant?.externalID == "new")
        #expect(alias.participant?.anonymousID == "old")
    }

    @Test func `the key is found in the body, of a list in its first event`() throws {
        for body in [
            #"{"api_key":"k","batch":[]}"#, #"{"token":"k"}"#, #"[{"properties":{"token":"k"}}]"#,
        ] {
            #expect(PostHogTranslation.key(in: try Translations.parse(body)) == "k", "\(body)")
        }
        for body in ["[]", "7", "{}", #"{"api_key":1}"#] {
            #expect(PostHogTranslation.key(in: try Translations.parse(body)) == nil, "\(body)")
        }
    }

    @Test(arguments: [
        ("7", "not_an_object", ""), ("{}", "invalid_event", "/event"),
        (#"{"event":"a"}"#, "participant_required", "/distinct_id"),
        (#"{"event":"a","distinct_id":"d","properties":7}"#, "invalid_properties", "/properties"),
    ])
    func `a refusal names the field as the sender does`(
        _ text: String, _ code: String, _ pointer: String
    ) {
        #expect { try Translations.postHog(text) } throws: { error in
            let rejection = error as? EventRejection
            return rejection?.code == code && rejection?.pointer == pointer
        }
    }
}
